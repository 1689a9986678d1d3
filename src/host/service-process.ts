import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';
import { allGone, livingMembers, signalGroup } from './process-group.ts';
import { here, nameProcess, type ProcessName, removeServiceFile, writeServiceFile } from './service-file.ts';

export interface ServiceCommand {
  /** Program and arguments; no shell in between. */
  argv: readonly [string, ...string[]];
  /** On top of this process's own environment. */
  env: Readonly<Record<string, string>>;
  directory: string | undefined;
}

export interface ServiceRules {
  clock: Clock;
  stateDirectory: string;
  /** How long before an end the kill is sent, so that everything is gone by that end. */
  marginMs: number;
  /** False: no lease is looked at (unsafe). */
  enforceLease: boolean;
  /** The guard that runs this, for the service file. */
  guard: ProcessName | null;
}

type Exit = readonly [code: number | null, signal: NodeJS.Signals | null];

interface Run {
  pid: number | undefined;
  /** Set by `stop`: the instant by which it must be gone. */
  stopByMs: number | undefined;
  /** Why it was killed; once set, the kill is repeated until nobody is left. */
  killed: string | undefined;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * The service: one command in a session and process group of its own. It counts as ended when every member of the
 * group is gone. Members that left the group on their own account are not followed.
 */
export class ServiceProcess {
  readonly #rules: ServiceRules;
  #run: Run | undefined;
  #leaseEndsAtMs = Number.NEGATIVE_INFINITY;
  #disarm: () => void = () => {};
  #onEnded: (reason: string) => void = () => {};

  constructor(rules: ServiceRules) {
    this.#rules = rules;
  }

  get pid(): number | undefined {
    return this.#run?.pid;
  }

  onEnded(listener: (reason: string) => void): void {
    this.#onEnded = listener;
  }

  /** The service may live until then (monotonic milliseconds). A kill that has begun is not called back (R6). */
  extend(leaseEndsAtMs: number): void {
    this.#leaseEndsAtMs = leaseEndsAtMs;
    this.#arm();
  }

  /** Resolves with the process id once the command runs; rejects when it cannot, and then nothing of it is left. */
  async start(command: ServiceCommand): Promise<number> {
    if (this.#run !== undefined) throw new Error('the service runs already');
    const run: Run = {
      pid: undefined,
      stopByMs: undefined,
      killed: undefined,
      ended: Promise.withResolvers(),
    };
    this.#run = run;
    try {
      return await this.#launch(run, command);
    } catch (error) {
      // What runs already ends by itself: #supervise does the rest.
      if (run.pid === undefined) await this.#finish(run);
      else this.#kill(run, 'its start failed');
      await run.ended.promise;
      throw error;
    }
  }

  /** Resolves when every process of the group is gone; at once when none runs. Times are monotonic milliseconds. */
  async stop(how: 'grace' | 'now', byAtMs: number): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    const isFirst = run.stopByMs === undefined;
    run.stopByMs = Math.min(run.stopByMs ?? byAtMs, byAtMs);
    if (how === 'now') this.#kill(run, 'it was told to stop at once');
    else if (isFirst && run.pid !== undefined) signalGroup(run.pid, 'SIGTERM');
    this.#arm();
    await run.ended.promise;
  }

  async #launch(run: Run, command: ServiceCommand): Promise<number> {
    const { stateDirectory, guard } = this.#rules;
    this.#checkMayStart(run);
    const incarnation = command.env['ARBITER_INCARNATION'] ?? '';
    const record = { ...(await here()), incarnation, guard };
    await writeServiceFile(stateDirectory, { ...record, service: null });
    this.#checkMayStart(run);
    const [program, ...args] = command.argv;
    const child = spawn(program, args, {
      detached: true,
      // Standard output of the agent is its journal, so whatever the service says goes to standard error.
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ...command.env },
      ...(command.directory === undefined ? {} : { cwd: command.directory }),
    });
    const exited = new Promise<Exit>((resolve) => child.once('exit', (...exit) => resolve(exit)));
    await spawned(child, program);
    const pid = child.pid!;
    run.pid = pid;
    void this.#supervise(run, pid, exited);
    this.#arm();
    await writeServiceFile(stateDirectory, { ...record, service: nameProcess(pid) });
    // Told to stop while it was being started.
    if (run.stopByMs !== undefined) signalGroup(pid, 'SIGTERM');
    return pid;
  }

  #checkMayStart(run: Run): void {
    if (run.stopByMs !== undefined) throw new Error('it was told to stop before it was started');
    if (!this.#rules.enforceLease) return;
    const leftMs = this.#leaseEndsAtMs - this.#rules.marginMs - this.#rules.clock.nowMs();
    if (leftMs > 0) return;
    throw new Error(
      Number.isFinite(leftMs) ? `its lease ended ${Math.round(-leftMs)} ms ago` : 'there is no lease',
    );
  }

  async #supervise(run: Run, pid: number, exited: Promise<Exit>): Promise<void> {
    const [code, signal] = await exited;
    const how = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`;
    // A service is its leader: when that ends unasked, nothing of the group may stay and write on.
    if (run.stopByMs === undefined) this.#kill(run, how);
    const kill = () => run.killed !== undefined && signalGroup(pid, 'SIGKILL');
    // Whatever keeps it from looking (no file descriptor left, say) says nothing about who lives.
    while (!(await allGone(() => livingMembers(pid), kill).then(isDone, isNotDone))) kill();
    await this.#finish(run);
    if (run.stopByMs === undefined) this.#onEnded(run.killed ?? how);
  }

  async #finish(run: Run): Promise<void> {
    // A file that stays names processes that are gone: a successor finds none of them.
    await removeServiceFile(this.#rules.stateDirectory).catch(() => {});
    this.#disarm();
    this.#run = undefined;
    run.ended.resolve();
  }

  #arm(): void {
    this.#disarm();
    const run = this.#run;
    if (run === undefined || run.killed !== undefined) return;
    const { clock, marginMs, enforceLease } = this.#rules;
    const leaseEndsAtMs = enforceLease ? this.#leaseEndsAtMs : Number.POSITIVE_INFINITY;
    const stopByMs = run.stopByMs ?? Number.POSITIVE_INFINITY;
    const atMs = Math.min(leaseEndsAtMs, stopByMs) - marginMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const why =
      leaseEndsAtMs <= stopByMs ? 'it was killed at the end of its lease' : 'it did not stop in time';
    this.#disarm = clock.at(atMs, () => this.#kill(run, why));
  }

  #kill(run: Run, why: string): void {
    run.killed ??= why;
    if (run.pid !== undefined) signalGroup(run.pid, 'SIGKILL');
  }
}

const isDone = () => true;
const isNotDone = () => delay(50, false);

async function spawned(child: ChildProcess, program: string): Promise<void> {
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(`${program} cannot be run: ${(error as Error).message}`, { cause: error });
  }
}
