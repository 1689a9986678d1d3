import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../ports/clock.ts';
import type { Service } from '../ports/service.ts';
import { type FromGuard, hearGuard, tellGuard, type ToGuard } from './guard-messages.ts';
import { endPredecessor } from './predecessor.ts';
import { allGone, livingMembers, signalGroup } from './process-group.ts';
import type { ServiceCommand } from './service-process.ts';

export interface ServiceSetup {
  clock: Clock;
  /** Name of this server, for whoever reads the process list. */
  node: string;
  command: ServiceCommand;
  stateDirectory: string;
  /** From the header: how long before the end of the lease the service begins to be stopped. */
  stopGraceMs: number;
  /** False under a procedure that knows no leases: then the guard ends the service when the agent is gone, and no sooner. */
  enforceLease: boolean;
}

/** Starts the guard and resolves when it answers. Rejects when it cannot be run. */
export async function startGuardedService(setup: ServiceSetup): Promise<Service> {
  const service = new GuardedService(setup);
  await service.startGuard();
  return service;
}

/**
 * Flags that keep a process small that does next to nothing. What the agent was started with (inspectors, heap
 * limits) is not handed down.
 */
const GUARD_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=32'];

interface Guard {
  readonly process: ChildProcess;
  readonly socket: Socket;
}

interface Order {
  resolve(pid: number): void;
  reject(error: Error): void;
}

/** The service as the agent sees it: every word goes to the guard, and whatever the guard does not do is done here. */
class GuardedService implements Service {
  readonly #setup: ServiceSetup;
  #guard: Guard | undefined;
  #orders = new Map<number, Order>();
  #lastOrder = 0;
  #servicePid: number | undefined;
  #leaseEndsAtMs: number | undefined;
  #closing = false;
  #onEnded: (reason: string) => void = () => {};
  /** The clean-up after a guard that died, while it is under way. */
  #cleanUp: Promise<void> = Promise.resolve();

  constructor(setup: ServiceSetup) {
    this.#setup = setup;
  }

  get pids(): { guard: number | undefined; service: number | undefined } {
    return { guard: this.#guard?.process.pid, service: this.#servicePid };
  }

  onEnded(listener: (reason: string) => void): void {
    this.#onEnded = listener;
  }

  extend(leaseEndsAtMs: number): void {
    this.#leaseEndsAtMs = leaseEndsAtMs;
    this.#tell({ do: 'lease', endsAtNs: toNs(leaseEndsAtMs) });
  }

  async start(env: Readonly<Record<string, string>>): Promise<number> {
    await this.#cleanUp;
    if (this.#guard === undefined) await this.startGuard();
    const { command } = this.#setup;
    const ordered = { ...command, env: { ...command.env, ...env } };
    const pid = await this.#order((id) => ({ do: 'start', id, command: ordered }));
    this.#servicePid = pid;
    return pid;
  }

  async stop(how: 'grace' | 'now', byAtMs: number): Promise<void> {
    await this.#cleanUp;
    if (this.#guard === undefined) return;
    const disarm = this.#doubleCheck(how === 'now' ? this.#setup.clock.nowMs() : byAtMs);
    try {
      await this.#order((id) => ({ do: 'stop', id, how, byAtNs: toNs(byAtMs) }));
    } catch {
      // The guard died meanwhile, and what it ran was ended with it (#lose).
    } finally {
      disarm();
    }
    this.#servicePid = undefined;
  }

  /** The guard ends the service before it ends itself. One that does not is left to itself after twice the grace. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#cleanUp;
    const guard = this.#guard;
    if (guard === undefined) return;
    const overdue = Promise.withResolvers<void>();
    const { clock, stopGraceMs } = this.#setup;
    const callOff = clock.at(clock.nowMs() + 2 * stopGraceMs, overdue.resolve);
    const exited = once(guard.process, 'exit');
    guard.socket.end();
    await Promise.race([exited, overdue.promise]);
    callOff();
    guard.socket.destroy();
    guard.process.unref();
  }

  async startGuard(): Promise<void> {
    const { node, stateDirectory, stopGraceMs, enforceLease } = this.#setup;
    const program = fileURLToPath(new URL(`./guard${extname(import.meta.url)}`, import.meta.url));
    const child = spawn(process.execPath, [...GUARD_FLAGS, program, node], {
      // A session of its own, so that a signal to the agent's group, or from its terminal, does not reach the guard.
      detached: true,
      stdio: ['ignore', 2, 2, 'pipe'],
    });
    const guard: Guard = { process: child, socket: child.stdio[3] as Socket };
    guard.socket.on('error', () => {});
    const ready = new Promise<void>((resolve, reject) => {
      hearGuard(guard.socket, (message) => (message.event === 'ready' ? resolve() : this.#hear(message)));
      child.once('error', (error) =>
        reject(new Error(`the guard cannot be run: ${error.message}`, { cause: error })),
      );
      child.once('exit', (code, signal) => {
        reject(new Error(`the guard ended at its start (${signal ?? `exit code ${code}`})`));
        this.#lose(guard, signal ?? `exit code ${code}`);
      });
    });
    tellGuard(guard.socket, { do: 'setup', stateDirectory, stopGraceMs, enforceLease });
    await ready;
    this.#guard = guard;
    if (this.#leaseEndsAtMs !== undefined) this.extend(this.#leaseEndsAtMs);
  }

  #hear(message: FromGuard): void {
    switch (message.event) {
      case 'ready':
        return;
      case 'ended':
        this.#servicePid = undefined;
        this.#onEnded(message.reason);
        return;
      case 'started':
        return this.#answer(message.id)?.resolve(message.pid);
      case 'stopped':
        return this.#answer(message.id)?.resolve(0);
      case 'failed':
        return this.#answer(message.id)?.reject(new Error(message.reason));
    }
  }

  #order(make: (id: number) => ToGuard): Promise<number> {
    const id = ++this.#lastOrder;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#orders.set(id, { resolve, reject });
    this.#tell(make(id));
    return promise;
  }

  #answer(id: number): Order | undefined {
    const order = this.#orders.get(id);
    this.#orders.delete(id);
    return order;
  }

  #tell(message: ToGuard): void {
    if (this.#guard !== undefined) tellGuard(this.#guard.socket, message);
  }

  /**
   * A guard may be stuck as well as an agent. When the service should be gone, the agent kills it too; a guard that has
   * nothing to say about that for another grace is given up for dead, which ends everything (#lose).
   */
  #doubleCheck(byAtMs: number): () => void {
    const { clock, stopGraceMs } = this.#setup;
    const guard = this.#guard;
    const pid = this.#servicePid;
    let disarm = clock.at(byAtMs, () => {
      if (pid !== undefined) signalGroup(pid, 'SIGKILL');
      disarm = clock.at(byAtMs + stopGraceMs, () => guard?.process.kill('SIGKILL'));
    });
    return () => disarm();
  }

  /** The guard is dead, so nobody watches the lease any more: the service ends here and now. */
  #lose(guard: Guard, how: string): void {
    if (this.#guard !== guard) return;
    this.#guard = undefined;
    if (this.#closing) return;
    const pid = this.#servicePid;
    const orders = [...this.#orders.values()];
    this.#orders.clear();
    const reason = `its guard died (${how})`;
    this.#cleanUp = this.#endRemains(pid).then(() => {
      this.#servicePid = undefined;
      for (const order of orders) order.reject(new Error(reason));
      if (pid !== undefined && orders.length === 0) this.#onEnded(reason);
    });
  }

  async #endRemains(pid: number | undefined): Promise<void> {
    if (pid !== undefined) {
      await allGone(
        () => livingMembers(pid),
        () => signalGroup(pid, 'SIGKILL'),
      );
    }
    // Of a start that nobody answered the file knows more. What is wrong with the file, the next start says.
    await endPredecessor(this.#setup.stateDirectory).catch(() => {});
  }
}

function toNs(ms: number): number {
  return Math.round(ms * 1e6);
}
