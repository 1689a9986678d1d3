import type { Event, Identity } from '../types.ts';
import { Agenda } from './agenda.fixture.ts';
import type { Machine } from './machine.fixture.ts';
import type { Plan } from './plan.fixture.ts';
import { Random } from './random.fixture.ts';

/** One server: its clock, what is wrong with it at present, and what it holds. */
export interface Server {
  readonly index: number;
  readonly node: string;
  /** Milliseconds of its clock in one millisecond of the model. */
  readonly rate: number;
  readonly offset: number;
  /** Raised with every crash: what was on its way to a former life does not arrive. */
  life: number;
  identity: Identity;
  machine: Machine | undefined;
  stalledUntil: number;
  /** For how long the next record write is held up between noting its start and sending it. */
  hesitateMs: number;
  /** For how long nothing runs once the next read was sent. */
  lingerMs: number;
  cuts: { from: number; to: number; lands: boolean }[];
  holds: { status: 0 | 1; forMs: number }[];
  errors: { status: 0 | 1; forMs: number; lands: boolean }[];
  /** The number of the last `wake`; older ones do not count. */
  wake: number;
  /** The service may run until then: active, or being stopped, within the lease. */
  holdsUntil: number | undefined;
  serving: { startedAt: number; epoch: number } | undefined;
  serviceLife: number;
  accessEpoch: number | undefined;
}

/** Time, servers, and events on their way to them. */
export class Stage {
  readonly plan: Plan;
  readonly random: Random;
  readonly servers: readonly Server[];
  /** Nothing that a fault did reaches beyond this. */
  calmSince: number;
  now = 0;
  readonly #agenda = new Agenda();
  readonly #receive: (server: Server, event: Event) => void;

  constructor(plan: Plan, receive: (server: Server, event: Event) => void) {
    this.plan = plan;
    this.random = new Random(plan.seed);
    this.calmSince = plan.quietAt;
    this.servers = Array.from({ length: plan.servers }, (_, index) => this.#serverOf(index));
    this.#receive = receive;
  }

  /** Plays until the plan's end, or until `over`. */
  play(over: () => boolean): void {
    while (this.#agenda.nextAt <= this.plan.untilAt && !over()) {
      const { at, act } = this.#agenda.take();
      this.now = at;
      act();
    }
  }

  schedule(at: number, act: () => void): void {
    this.#agenda.add(at, act);
  }

  /** The server sees this at `at`, or whenever it runs again; the instant in the event is the one at which it did. */
  deliver(server: Server, at: number, event: (localAt: number) => Event, life = server.life): void {
    this.schedule(at, () => {
      if (server.life !== life || server.machine === undefined) return;
      if (this.now < server.stalledUntil) return this.deliver(server, server.stalledUntil, event, life);
      this.#receive(server, event(this.local(server, this.now)));
    });
  }

  stall(server: Server, untilAt: number): void {
    server.stalledUntil = Math.max(server.stalledUntil, untilAt);
    this.disturbedUntil(untilAt);
  }

  disturbedUntil(at: number): void {
    if (at !== Infinity) this.calmSince = Math.max(this.calmSince, at);
  }

  get quiet(): boolean {
    return this.now >= this.plan.quietAt;
  }

  local(server: Server, at: number): number {
    return server.offset + server.rate * at;
  }

  global(server: Server, local: number): number {
    return (local - server.offset) / server.rate;
  }

  #serverOf(index: number): Server {
    const { random } = this;
    const { drift, servers, timings } = this.plan;
    const extreme = random.pick([1 - drift, 1 + drift]);
    const node = `server-${index + 1}`;
    return {
      index,
      node,
      rate: random.chance(0.5) ? random.between(1 - drift, 1 + drift) : extreme,
      offset: random.between(0, 1e6),
      life: 0,
      identity: { node, index, slots: servers, incarnation: '', timings },
      machine: undefined,
      stalledUntil: 0,
      hesitateMs: 0,
      lingerMs: 0,
      cuts: [],
      holds: [],
      errors: [],
      wake: 0,
      holdsUntil: undefined,
      serving: undefined,
      serviceLife: 0,
      accessEpoch: undefined,
    };
  }
}
