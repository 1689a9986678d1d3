import type {
  HandOverAnswer,
  OrderAnswer,
  PauseAnswer,
  ReleaseAnswer,
  TakesOrders,
} from '../ports/orders.ts';
import type { Summary } from '../protocol/summary.ts';
import { deathWaitMs, settleWaitMs } from '../protocol/timing.ts';
import type { Effect, Event, Pause, ProtocolEntry, Role, Timings } from '../protocol/types.ts';

/** As much of an agent as orders need. */
export interface Ordered {
  /** Steps before it returns. */
  post(event: Event): void;
  nowMs(): number;
  /** Of the wall clock, for people. */
  wallMs(): number;
  summary(): Summary;
  isOver(): boolean;
  readonly timings: Timings;
}

/** Promise (c) with every round trip as long as it may be; 2 T more, for whoever let go goes last (R8). */
function recoveryMs(t: Timings): number {
  return deathWaitMs(t) + 3 * t.intervalMs + settleWaitMs(t) + 7 * t.deadlineMs;
}

/** Roles in which a release that was asked for is still on its way. */
const RELEASING: ReadonlySet<Role> = new Set(['active', 'stopping', 'releasing']);

type Watch = (effects: readonly Effect[]) => void;

/** What people ask of an agent, each answered when it is done or cannot be done any more. */
export class Orders implements TakesOrders {
  readonly #agent: Ordered;
  /** Told of every step. */
  readonly #watches = new Set<Watch>();

  constructor(agent: Ordered) {
    this.#agent = agent;
  }

  /** A step was made, or the agent has ended. */
  stepped(effects: readonly Effect[]): void {
    for (const watch of this.#watches) watch(effects);
  }

  /** Resolves when the area is released, or there was nothing to release, or it cannot be. */
  release(then: 'exit' | 'observe'): Promise<ReleaseAnswer> {
    const done = this.#untilReleased();
    const at = this.#agent.nowMs();
    // oxlint-disable-next-line unicorn/no-thenable -- a word of the protocol, not a function
    this.#agent.post({ kind: 'release', at, then });
    return done;
  }

  /** Resolves when the release that names `to` is written, or cannot be; who follows is for others to see. */
  async handOver(to: string, force: boolean): Promise<HandOverAnswer> {
    const abandoned = new AbortController();
    const done = this.#untilReleased(abandoned.signal);
    const answer = this.#order({ kind: 'hand-over', at: this.#agent.nowMs(), to, force });
    const boundMs = Math.ceil(recoveryMs(this.#agent.timings));
    if (answer.outcome !== 'taken') {
      abandoned.abort();
      return { ...answer, released: false, epoch: 0, boundMs };
    }
    const { released, epoch, reason } = await done;
    return { outcome: 'taken', reason, released, epoch, boundMs };
  }

  /** R10. Resolves when a heartbeat that carries the pause was acknowledged, or this server is not active any more. */
  async pause(): Promise<PauseAnswer> {
    const answer = this.#order({ kind: 'pause', at: this.#agent.nowMs(), wallMs: this.#agent.wallMs() });
    if (answer.outcome === 'taken') await this.#untilPauseIs((pause) => pause !== null);
    return this.#paused(answer);
  }

  /** R10. Resolves when a heartbeat without a pause was acknowledged; at a standby at once. */
  async resume(): Promise<PauseAnswer> {
    const answer = this.#order({ kind: 'resume', at: this.#agent.nowMs() });
    if (answer.outcome === 'taken') await this.#untilPauseIs((pause) => pause === null);
    return this.#paused(answer);
  }

  #paused(answer: OrderAnswer): PauseAnswer {
    return { ...answer, pause: this.#agent.summary().pause };
  }

  #untilPauseIs(isWanted: (pause: Pause | null) => boolean): Promise<void> {
    return this.#until(() => {
      const { role, pause } = this.#agent.summary();
      return isWanted(pause) || role !== 'active';
    });
  }

  async #untilReleased(abandoned?: AbortSignal): Promise<ReleaseAnswer> {
    const { role, epoch, pause } = this.#agent.summary();
    const reason = `nothing to release as ${role}`;
    let outcome = { owned: RELEASING.has(role), released: false, epoch, paused: pause !== null, reason };
    await this.#until((effects) => {
      for (const entry of journalled(effects, 'released')) {
        const { written, epoch, reason } = entry;
        const { pause } = this.#agent.summary();
        outcome = { owned: true, released: written, epoch, paused: pause !== null, reason };
      }
      return abandoned?.aborted === true || !RELEASING.has(this.#agent.summary().role);
    });
    return outcome;
  }

  /** Posts an order and returns what the protocol said to it. */
  #order(event: Event & { kind: 'hand-over' | 'pause' | 'resume' }): OrderAnswer {
    let answer: OrderAnswer = { outcome: 'refused', reason: 'the agent has ended' };
    const watch: Watch = (effects) => {
      for (const { outcome, reason } of journalled(effects, 'order')) answer = { outcome, reason };
    };
    this.#watches.add(watch);
    this.#agent.post(event);
    this.#watches.delete(watch);
    return answer;
  }

  #until(isDone: (effects: readonly Effect[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch: Watch = (effects) => {
        if (!isDone(effects) && !this.#agent.isOver()) return;
        this.#watches.delete(watch);
        resolve();
      };
      this.#watches.add(watch);
      watch([]);
    });
  }
}

function journalled<Name extends ProtocolEntry['event']>(effects: readonly Effect[], name: Name) {
  const entries = effects.flatMap((effect) => (effect.do === 'journal' ? [effect.entry] : []));
  return entries.filter((entry): entry is Extract<ProtocolEntry, { event: Name }> => entry.event === name);
}
