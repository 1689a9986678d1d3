import type { AgentStatus } from '../ports/status.ts';
import { deathWaitMs } from '../protocol/timing.ts';
import type { Event, Header } from '../protocol/types.ts';
import { Effects } from './effects.ts';
import { Orders } from './orders.ts';
import type { AgentPorts, AgentSetup, Procedure } from './setup.ts';

/** How an agent ended: 0 after a release, otherwise the reason is an error. */
export interface Ended {
  exitCode: number;
  reason: string;
}

/**
 * One agent: event, step, effects, strictly one event at a time, in the order in which they happened. It decides nothing
 * itself and knows the world by its ports only.
 */
export class Agent<State> {
  /** What people ask of it. */
  readonly orders: Orders;
  readonly #setup: AgentSetup;
  readonly #ports: AgentPorts;
  readonly #procedure: Procedure<State>;
  readonly #effects: Effects;
  readonly #ended = Promise.withResolvers<Ended>();
  readonly #waiting: Event[] = [];
  #state: State;
  #isStepping = false;
  #isOver = false;
  #lastEventAtMs: number;
  /** Reads that failed before the first one that succeeded. */
  #failedFirstReads = 0;

  constructor(setup: AgentSetup, ports: AgentPorts, procedure: Procedure<State>) {
    this.#setup = setup;
    this.#ports = ports;
    this.#procedure = procedure;
    const { node, index, incarnation, header } = setup;
    const { slots, timings } = header;
    this.#state = procedure.initialState({ node, index, slots, incarnation, timings });
    this.#lastEventAtMs = ports.clock.nowMs();
    this.orders = new Orders({
      post: (event) => this.#post(event),
      nowMs: () => ports.clock.nowMs(),
      wallMs: () => Date.now(),
      summary: () => this.#summary(),
      isOver: () => this.#isOver,
      timings,
    });
    this.#effects = new Effects(setup, ports, {
      post: (event) => this.#post(event),
      fail: (error) => this.#fail(error),
    });
  }

  /**
   * Resolves when the agent has ended; what it runs by then, it has ended. Rejects for a bug of this program, and then
   * the service may still run: whoever called ends it.
   */
  run(): Promise<Ended> {
    this.#announce();
    void this.#begin();
    return this.#ended.promise;
  }

  status(): AgentStatus {
    const { node, incarnation, protocol, header, pid } = this.#setup;
    const { service, data } = this.#ports;
    const { role, serving, epoch, owner, ownerEpoch, blind, leaseEndsAt, pause, holdsBack } = this.#summary();
    const leftMs = leaseEndsAt === undefined ? null : Math.max(0, leaseEndsAt - this.#ports.clock.nowMs());
    return {
      node,
      incarnation,
      cluster: header.clusterId,
      protocol,
      fencing: data.fencing,
      role,
      serving,
      blind: blind || this.#failedFirstReads > 0,
      epoch,
      leaseRemainingMs: leftMs,
      owner,
      ownerEpoch,
      pause,
      holdsBack,
      pids: { agent: pid, guard: service.pids.guard ?? null, service: service.pids.service ?? null },
    };
  }

  /** Why this agent cannot do its work; undefined when it can. */
  ailment(): string | undefined {
    if (this.#isOver) return 'the agent has ended';
    if (this.status().blind) return 'blind: reads of the quorum area fail';
    const silentMs = this.#ports.clock.nowMs() - this.#lastEventAtMs;
    if (silentMs < deathWaitMs(this.#setup.header.timings)) return undefined;
    return `stuck: nothing has happened for ${Math.round(silentMs)} ms`;
  }

  #announce(): void {
    const { version, pid, protocol, guard, index, header } = this.#setup;
    const { journal, service, data } = this.#ports;
    journal.write({
      event: 'agent-started',
      version,
      pid,
      guardPid: service.pids.guard ?? null,
      cluster: header.clusterId,
      index,
      protocol,
      fencing: data.fencing,
      guard,
      ...header.timings,
    });
  }

  /** The first read is tried again every T: a server may well be up before its storage. */
  async #begin(): Promise<void> {
    const first = await this.#effects.read('start');
    if (this.#isOver) return;
    this.#lastEventAtMs = this.#ports.clock.nowMs();
    const { journal, clock } = this.#ports;
    if (first.kind === 'read-failed') {
      const { reason } = first;
      this.#failedFirstReads += 1;
      if (this.#failedFirstReads === 1) journal.write({ event: 'blind', healed: false, reason, failures: 1 });
      clock.at(first.startedAt + this.#setup.header.timings.intervalMs, () => void this.#begin());
      return;
    }
    if (this.#failedFirstReads > 0) {
      const failures = this.#failedFirstReads;
      journal.write({ event: 'blind', healed: true, reason: 'the first read succeeded', failures });
    }
    this.#failedFirstReads = 0;
    if (first.kind === 'start' && !isLivedBy(this.#setup.header, first)) {
      return this.#end({
        exitCode: 3,
        reason: 'the header of the quorum area changed while the agent started',
      });
    }
    this.#post(first);
  }

  #post(event: Event): void {
    this.#waiting.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
        this.#step(next);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(event: Event): void {
    if (this.#isOver) return;
    // Answers are handled in the order in which they got here, which need not be that of their instants: an instant
    // moved later only makes a wait longer and an acknowledgement later.
    this.#lastEventAtMs = Math.max(event.at, this.#lastEventAtMs);
    const { state, effects } = this.#procedure.step(this.#state, { ...event, at: this.#lastEventAtMs });
    this.#state = state;
    for (const effect of effects) {
      this.#effects.carryOut(effect);
      if (effect.do === 'end') this.#end(effect);
    }
    this.orders.stepped(effects);
  }

  #end({ exitCode, reason }: Ended): void {
    this.#isOver = true;
    this.#ended.resolve({ exitCode, reason });
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#ended.reject(error);
    this.orders.stepped([]);
  }

  #summary() {
    return this.#procedure.summary(this.#state, this.#ports.clock.nowMs());
  }
}

/** The first read shows the header that this agent was set up with, down to every number. */
function isLivedBy(header: Header, { area }: Event & { kind: 'start' }): boolean {
  return area.header.kind === 'valid' && JSON.stringify(area.header.value) === JSON.stringify(header);
}
