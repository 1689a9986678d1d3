import { encodeHeader } from '../area/header.ts';
import { areaBytes, slotOffset } from '../area/layout.ts';
import { encodeSlot, NO_INCARNATION } from '../area/slot.ts';
import { type BlockDevice, OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import type { Clock } from '../ports/clock.ts';
import type { AccessOutcome, DataAccess } from '../ports/data-access.ts';
import type { Journal, JournalEntry } from '../ports/journal.ts';
import type { Service } from '../ports/service.ts';
import { initialState } from '../protocol/state.ts';
import { step } from '../protocol/step.ts';
import { summary } from '../protocol/summary.ts';
import type { Header, Timings } from '../protocol/types.ts';
import { Agent } from './agent.ts';
import type { AgentSetup, Procedure } from './setup.ts';

/**
 * Ports in memory, for agents without a machine: time passes only when a test lets it, the disk answers after as long
 * as a test says, and a server that is killed never does anything again.
 */
export const TIMINGS: Timings = {
  intervalMs: 400,
  misses: 5,
  settleMs: 400,
  deadlineMs: 250,
  stopGraceMs: 400,
};
export const safe = { initialState, step, summary };

export class VirtualClock implements Clock {
  #nowMs = 1000;
  readonly #timers = new Set<{ atMs: number; act: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  nowNs(): number {
    return Math.round(this.#nowMs * 1e6);
  }

  at(atMs: number, act: () => void): () => void {
    const timer = { atMs, act };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  after(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.#nowMs + ms, resolve));
  }

  /** Lets time pass until `isDone` or `untilMs`; false when it was not done by then. */
  async run(isDone: () => boolean, untilMs = this.#nowMs + 60_000): Promise<boolean> {
    for (;;) {
      // Whatever follows from what happened happens before time goes on.
      await new Promise(setImmediate);
      if (isDone()) return true;
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) return false;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.act();
    }
  }

  /** Time goes by and nobody runs: what was due meanwhile comes late. */
  standStill(ms: number): void {
    this.#nowMs += ms;
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.run(() => false, untilMs);
    this.#nowMs = untilMs;
  }
}

/** One disk for all, and what goes on at it. */
export class SharedDisk {
  readonly bytes: Uint8Array;
  readonly header: Header;

  constructor(nodes: readonly string[], timings = TIMINGS) {
    const clusterId = 'c'.repeat(32);
    this.header = { clusterId, sectorBytes: 512, slots: nodes.length, mode: 'plain', timings };
    this.bytes = new Uint8Array(areaBytes(512, nodes.length));
    this.bytes.set(encodeHeader(this.header), 0);
    nodes.forEach((node, index) => {
      const slot = { node, incarnation: NO_INCARNATION, counter: 0, role: 'none', epoch: 0 } as const;
      this.bytes.set(encodeSlot(slot, { clusterId, sectorBytes: 512 }), slotOffset(512, index));
    });
  }
}

export interface Requested {
  op: 'read' | 'write';
  offset: number;
  startedAtMs: number;
}

/** One server with everything it touches. */
export class Server {
  readonly journal: JournalEntry[] = [];
  readonly requests: Requested[] = [];
  readonly agent: Agent<unknown>;
  /** How long the disk takes for one request; a number past the deadline is no answer. */
  latencyMs: (request: Requested) => number = () => 3;
  /** Set to make every request fail at once. */
  refusal: string | undefined;
  /** Environment of the service, while it runs. */
  service: Readonly<Record<string, string>> | undefined;
  leaseEndsAtMs = 0;
  /** The next `obtain` is answered by this. */
  access: (epoch: number) => AccessOutcome = () => ({ kind: 'granted' });
  loseAccess: (epoch: number, reason: string) => void = () => {};
  endService: (reason: string) => void = () => {};
  requestsUnderWay = { record: 0, slot: 0 };
  mostUnderWay = { record: 0, slot: 0 };
  #isAlive = true;
  readonly #clock: VirtualClock;
  readonly #disk: SharedDisk;
  readonly #wakes: (() => void)[] = [];

  constructor(
    clock: VirtualClock,
    disk: SharedDisk,
    node: string,
    index: number,
    procedure: Procedure<unknown> = safe,
  ) {
    this.#clock = clock;
    this.#disk = disk;
    const setup: AgentSetup = {
      node,
      index,
      incarnation: `${index + 1}`.repeat(32),
      header: disk.header,
      protocol: 'safe',
      guard: true,
      version: '0.0.0',
      pid: 100 + index,
    };
    const journal: Journal = { write: (entry) => this.journal.push(entry), flush: async () => {} };
    const ports = {
      clock: this.#ownClock(),
      quorum: this.#device(),
      data: this.#data(),
      service: this.#service(),
      journal,
    };
    this.agent = new Agent(setup, ports, procedure);
  }

  /** Power off: nothing it has begun is answered, nothing it waits for comes. */
  kill(): void {
    this.#isAlive = false;
    for (const callOff of this.#wakes) callOff();
    this.service = undefined;
  }

  said(event: JournalEntry['event']): JournalEntry[] {
    return this.journal.filter((entry) => entry.event === event);
  }

  #ownClock(): Clock {
    return {
      nowMs: () => this.#clock.nowMs(),
      nowNs: () => this.#clock.nowNs(),
      at: (atMs, act) => {
        const callOff = this.#clock.at(atMs, act);
        this.#wakes.push(callOff);
        return callOff;
      },
    };
  }

  #device(): BlockDevice {
    const answer = async <T>(request: Requested, deadlineMs: number, carryOut: () => T): Promise<T> => {
      this.requests.push(request);
      const track = request.op === 'write' && request.offset >= slotOffset(512, 0) ? 'slot' : 'record';
      this.requestsUnderWay[track] += 1;
      this.mostUnderWay[track] = Math.max(this.mostUnderWay[track], this.requestsUnderWay[track]);
      const refusal = this.refusal;
      const latencyMs = this.latencyMs(request);
      await this.#clock.after(Math.min(latencyMs, deadlineMs));
      if (!this.#isAlive) await new Promise(() => {});
      this.requestsUnderWay[track] -= 1;
      if (refusal !== undefined) throw new RequestFailed(refusal, 'EIO');
      if (latencyMs >= deadlineMs)
        throw new OutcomeUnknown(`${request.op} was not answered within ${deadlineMs} ms`);
      return carryOut();
    };
    const { bytes } = this.#disk;
    return {
      name: 'memory',
      sizeBytes: bytes.length,
      sectorBytes: 512,
      readOnly: false,
      read: (offset, length, deadlineMs) =>
        answer({ op: 'read', offset, startedAtMs: this.#clock.nowMs() }, deadlineMs, () =>
          bytes.slice(offset, offset + length),
        ),
      writeDurably: (offset, sector, deadlineMs) =>
        answer({ op: 'write', offset, startedAtMs: this.#clock.nowMs() }, deadlineMs, () =>
          bytes.set(sector, offset),
        ),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  #data(): DataAccess {
    return {
      fencing: 'gate',
      uriFor: (epoch) => `memory:${epoch}`,
      obtain: async (epoch) => {
        await this.#clock.after(2);
        return this.access(epoch);
      },
      giveUp: async () => {},
      onLost: (listener) => (this.loseAccess = listener),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  #service(): Service {
    const runs = () => this.service !== undefined;
    return {
      start: async (env) => {
        await this.#clock.after(5);
        if (!this.#isAlive) await new Promise(() => {});
        this.service = env;
        return 4711;
      },
      stop: async () => {
        await this.#clock.after(20);
        this.service = undefined;
      },
      extend: (leaseEndsAtMs) => (this.leaseEndsAtMs = leaseEndsAtMs),
      onEnded: (listener) => {
        this.endService = (reason) => {
          this.service = undefined;
          listener(reason);
        };
      },
      get pids() {
        return { guard: 200, service: runs() ? 4711 : undefined };
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }
}
