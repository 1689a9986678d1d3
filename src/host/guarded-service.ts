import type { Service } from '../ports/service.ts';
import { GuardLink, type GuardListener } from './guard-link.ts';
import { endPredecessor } from './predecessor.ts';
import { allGone, livingMembers, type ProcessName, signalGroup } from './process-group.ts';
import { runawaysKilled, type ServiceSetup } from './service-setup.ts';

/** Starts the guard and resolves when it answers. Rejects when it cannot be run. */
export async function startGuardedService(setup: ServiceSetup): Promise<Service> {
  const service = new GuardedService(setup);
  await service.startGuard();
  return service;
}

/** The service as the agent sees it: every word goes to the guard, and whatever the guard does not do is done here. */
class GuardedService implements Service {
  readonly #setup: ServiceSetup;
  #guard: GuardLink | undefined;
  #leader: ProcessName | undefined;
  #leaseEndsAtMs: number | undefined;
  #onEnded: (reason: string) => void = () => {};
  /** The clean-up after a guard that died, while it is under way. */
  #cleanUp: Promise<void> = Promise.resolve();

  constructor(setup: ServiceSetup) {
    this.#setup = setup;
  }

  get pids(): { guard: number | undefined; service: number | undefined } {
    return { guard: this.#guard?.pid, service: this.#leader?.pid };
  }

  onEnded(listener: (reason: string) => void): void {
    this.#onEnded = listener;
  }

  extend(leaseEndsAtMs: number): void {
    this.#leaseEndsAtMs = leaseEndsAtMs;
    this.#guard?.tellLease(toNs(leaseEndsAtMs));
  }

  async start(env: Readonly<Record<string, string>>): Promise<number> {
    await this.#cleanUp;
    const guard = this.#guard ?? (await this.startGuard());
    const { command } = this.#setup;
    const ordered = { ...command, env: { ...command.env, ...env } };
    this.#leader = await guard.order((id) => ({ do: 'start', id, command: ordered }));
    return this.#leader!.pid;
  }

  async stop(how: 'grace' | 'now', byAtMs: number): Promise<void> {
    await this.#cleanUp;
    if (this.#guard === undefined) return;
    const disarm = this.#doubleCheck(how === 'now' ? this.#setup.clock.nowMs() : byAtMs, this.#guard);
    try {
      await this.#guard.order((id) => ({ do: 'stop', id, how, byAtNs: toNs(byAtMs) }));
    } catch {
      // The guard died meanwhile, and what it ran was ended with it (#lose).
    } finally {
      disarm();
    }
    this.#leader = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp;
    const { clock, stopGraceMs } = this.#setup;
    await this.#guard?.leave(clock.nowMs() + 2 * stopGraceMs, this.#setup);
  }

  async startGuard(): Promise<GuardLink> {
    const listener: GuardListener = {
      ended: (reason) => {
        this.#leader = undefined;
        this.#onEnded(reason);
      },
      runaways: (pids) => this.#setup.warn(runawaysKilled(pids)),
      lost: (guard, how, orders) => this.#lose(guard, how, orders),
    };
    const guard = await GuardLink.start(this.#setup, listener);
    this.#guard = guard;
    if (this.#leaseEndsAtMs !== undefined) this.extend(this.#leaseEndsAtMs);
    return guard;
  }

  /**
   * A guard may be stuck as well as an agent. When the service should be gone, the agent kills it too; a guard that has
   * nothing to say about that for another grace is given up for dead, which ends everything (#lose).
   */
  #doubleCheck(byAtMs: number, guard: GuardLink): () => void {
    const { clock, stopGraceMs } = this.#setup;
    const leader = this.#leader;
    let disarm = clock.at(byAtMs, () => {
      if (leader !== undefined) signalGroup(leader, 'SIGKILL');
      disarm = clock.at(byAtMs + stopGraceMs, () => guard.giveUp('it does not stop the service'));
    });
    return () => disarm();
  }

  /** The guard is dead, so nobody watches the lease any more: the service ends here and now. */
  #lose(guard: GuardLink, how: string, orders: Parameters<GuardListener['lost']>[2]): void {
    if (this.#guard !== guard) return;
    this.#guard = undefined;
    const leader = this.#leader;
    const reason = `its guard died (${how})`;
    this.#setup.warn(`the guard, process ${guard.pid}, is lost: ${how}`);
    this.#cleanUp = this.#endRemains(leader).then(() => {
      this.#leader = undefined;
      for (const order of orders) order.reject(new Error(reason));
      if (leader !== undefined && orders.length === 0) this.#onEnded(reason);
    });
  }

  async #endRemains(leader: ProcessName | undefined): Promise<void> {
    if (leader !== undefined) {
      await allGone(
        () => livingMembers(leader),
        () => signalGroup(leader, 'SIGKILL'),
      );
    }
    // Of a start that nobody answered the file knows more, and it knows the mark of whoever left the group. What is
    // wrong with the file, the next start says.
    const ended = await endPredecessor(this.#setup.stateDirectory).catch(() => []);
    if (ended.length > 0)
      this.#setup.warn(`ended what the guard had left running: processes ${ended.join(', ')}`);
  }
}

function toNs(ms: number): number {
  return Math.round(ms * 1e6);
}
