import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';
import { allGone, livingMembers, nameProcess, type ProcessName, signalGroup } from './process-group.ts';
import { Runaways } from './runaways.ts';
import { here, removeServiceFile, writeServiceFile } from './service-file.ts';

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
  /** Told of processes that had left the group and were killed for it. */
  runaways: (pids: readonly number[]) => void;
}

type Exit = readonly [code: number | null, signal: NodeJS.Signals | null];

interface Run {
  leader: ProcessName | undefined;
  runaways: Runaways | undefined;
  /** Set by `stop`: the instant by which it must be gone. */
  stopByMs: number | undefined;
  /** Why it was killed; once set, the kill is repeated until nobody is left. */
  killed: string | undefined;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * The service: one command in a session and process group of its own. It counts as ended when every member of the
 * group is gone, and whoever had left the group (runaways.ts).
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
    return this.#run?.leader?.pid;
  }

  onEnded(listener: (reason: string) => void): void {
    this.#onEnded = listener;
  }

  /** The service may live until then (monotonic milliseconds). A kill that has begun is not called back (R6). */
  extend(leaseEndsAtMs: number): void {
    this.#leaseEndsAtMs = leaseEndsAtMs;
    this.#arm();
  }

  /** Resolves with its leader once the command runs; rejects when it cannot, and then nothing of it is left. */
  async start(command: ServiceCommand): Promise<ProcessName> {
    if (this.#run !== undefined) throw new Error('the service runs already');
    const run: Run = {
      leader: undefined,
      runaways: undefined,
      stopByMs: undefined,
      killed: undefined,
      ended: Promise.withResolvers(),
    };
    this.#run = run;
    try {
      return await this.#launch(run, command);
    } catch (error) {
      // What runs already ends by itself: #supervise does the rest.
      if (run.leader === undefined) await this.#finish(run);
      else this.#kill(run, 'its start failed');
      await run.ended.promise;
      throw error;
    }
  }

  /** Resolves when every process of the service is gone; at once when none runs. Times are monotonic milliseconds. */
  async stop(how: 'grace' | 'now', byAtMs: number): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    const isFirst = run.stopByMs === undefined;
    run.stopByMs = Math.min(run.stopByMs ?? byAtMs, byAtMs);
    if (how === 'now') this.#kill(run, 'it was told to stop at once');
    else if (isFirst && run.leader !== undefined) signalGroup(run.leader, 'SIGTERM');
    this.#arm();
    await run.ended.promise;
  }

  async #launch(run: Run, command: ServiceCommand): Promise<ProcessName> {
    const { stateDirectory, guard, runaways } = this.#rules;
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
      env: { ...withoutSecrets(process.env), ...command.env },
      ...(command.directory === undefined ? {} : { cwd: command.directory }),
    });
    // Before the loop goes on nobody reaps it, so this names the very process that was started.
    const leader = child.pid === undefined ? null : nameProcess(child.pid);
    const exited = new Promise<Exit>((resolve) => child.once('exit', (...exit) => resolve(exit)));
    await spawned(child, program);
    if (leader === null) {
      child.kill('SIGKILL');
      throw new Error(`process ${child.pid} is not in /proc`);
    }
    run.leader = leader;
    run.runaways = new Runaways(leader, incarnation, runaways);
    void this.#supervise(run, leader, run.runaways, exited);
    this.#arm();
    await writeServiceFile(stateDirectory, { ...record, service: leader });
    // Told to stop while it was being started.
    if (run.stopByMs !== undefined) signalGroup(leader, 'SIGTERM');
    return leader;
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

  async #supervise(run: Run, leader: ProcessName, runaways: Runaways, exited: Promise<Exit>): Promise<void> {
    const [code, signal] = await exited;
    const how = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`;
    // A service is its leader: when that ends unasked, nothing of the group may stay and write on.
    if (run.stopByMs === undefined) this.#kill(run, how);
    const kill = () => run.killed !== undefined && signalGroup(leader, 'SIGKILL');
    await untilGone(() => livingMembers(leader), kill);
    await untilGone(
      () => runaways.end(),
      () => {},
    );
    await this.#finish(run);
    if (run.stopByMs === undefined) this.#onEnded(run.killed ?? how);
  }

  async #finish(run: Run): Promise<void> {
    // From here on the mark may be the next run's.
    run.runaways = undefined;
    // Not before everybody is gone: until then a successor has to find them. One that stays names nobody who lives.
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

  /** The group first: a look at every process of the machine takes its time, and the end of a lease does not wait. */
  #kill(run: Run, why: string): void {
    run.killed ??= why;
    if (run.leader === undefined) return;
    signalGroup(run.leader, 'SIGKILL');
    // #supervise looks again, and until nobody is found.
    run.runaways?.end().catch(() => {});
  }
}

/** As allGone; whatever keeps it from looking (no file descriptor left, say) says nothing about who lives. */
async function untilGone(...[living, each]: Parameters<typeof allGone>): Promise<void> {
  while (!(await allGone(living, each).then(isDone, isNotDone))) each([]);
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

/** What the agent's storage is logged in to with is not the service's business, unless its file says so. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { LIBISCSI_CHAP_PASSWORD: _, LIBISCSI_CHAP_TARGET_PASSWORD: __, ...rest } = environment;
  return rest;
}
