import type {
  Effect,
  Event,
  Header,
  Identity,
  NodeSlot,
  OwnershipRecord,
  ProtocolEntry,
  Role,
  Timings,
} from '../types.ts';
import { Agenda } from './agenda.fixture.ts';
import { Disk } from './disk.fixture.ts';
import type { Machine, MachineOf } from './machine.fixture.ts';
import { Random } from './random.fixture.ts';

/**
 * A small world: servers with clocks of their own rate, one disk with late effects, a gate, and the faults of a plan.
 * Time in it is the model's own, in milliseconds; a server sees only its clock.
 */
export interface Plan {
  seed: number;
  servers: number;
  /** What stands in the header, and what the servers go by where `timingsOf` says nothing else. */
  timings: Timings;
  timingsOf?: (index: number) => Timings;
  /** Chance, per request, that something goes wrong with it. */
  noise: number;
  /** Chance, per request, that the scheduler strikes right before or after its start was noted. */
  hesitation: number;
  faults: readonly Fault[];
  /** Faults and noise end here. */
  quietAt: number;
  untilAt: number;
  /**
   * Slot writes may land after their deadline, too. A slot is one sector: a late write of it can take a reserved epoch
   * out again after the server has crashed, and then the epoch is used twice (R3 knows no remedy).
   */
  lateSlots: boolean;
  /** Largest deviation of a clock's rate. */
  drift: number;
  machine: MachineOf;
}

/** Which server: by number, by what it does when the fault strikes, or the one whose new role made it strike. */
export type Target = number | 'active' | 'standby' | 'subject';
/** At an instant, or so long after some server did this for the nth time, counted from `fromAt` on. */
export type When = { at: number } | { on: Role | 'decided'; nth: number; fromAt: number; afterMs: number };
export type Fault = { server: Target; when: When } & (
  | /** The server runs nothing; what it issued before goes on. */
    { kind: 'stall'; forMs: number }
    /** The same, from right before its next record write is sent: its start is noted already. */
  | { kind: 'hesitate'; forMs: number }
  /** All of the server is gone at once, and comes back as a new incarnation. */
  | { kind: 'crash'; forMs: number }
  /** No request gets through; writes are lost, or land when it is over. */
  | { kind: 'cut'; forMs: number; lands: boolean }
  /** The next record write with this status lands `forMs` later than it should. */
  | { kind: 'hold'; forMs: number; status: 0 | 1 }
  | { kind: 'release' }
  /** The service ends by itself. */
  | { kind: 'exit' }
  /** Somebody who is no agent writes over the record. */
  | { kind: 'wipe' }
  | { kind: 'damage' }
);

export interface Outcome {
  violations: string[];
  /** Becoming active, by whom, with which epoch. */
  takeovers: { at: number; server: number; epoch: number }[];
  /** When somebody's service last came up and has not ended since; undefined when nobody serves. */
  servingSince: number | undefined;
  steps: number;
  journal: { at: number; server: number; entry: ProtocolEntry }[];
}

interface Server {
  index: number;
  node: string;
  rate: number;
  offset: number;
  life: number;
  identity: Identity;
  machine: Machine | undefined;
  stalledUntil: number;
  /** For how long the next record write is held up between noting its start and sending it. */
  hesitateMs: number;
  cuts: { from: number; to: number; lands: boolean }[];
  holds: { status: 0 | 1; forMs: number }[];
  wake: number;
  /** The service may run until then: active, or being stopped, within the lease. */
  holdsUntil: number | undefined;
  leaseEndsAt: number;
  serving: { startedAt: number } | undefined;
  serviceLife: number;
  accessEpoch: number | undefined;
}

type Written = { record: OwnershipRecord } | { slot: NodeSlot };

export function run(plan: Plan): Outcome {
  return new World(plan).run();
}

class World {
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #disk: Disk;
  readonly #servers: Server[];
  readonly #outcome: Outcome = {
    violations: [],
    takeovers: [],
    servingSince: undefined,
    steps: 0,
    journal: [],
  };
  readonly #written = new Set<string>();
  readonly #claims = new Map<number, string>();
  readonly #seen = new Map<number, number>();
  #grant = { epoch: 0, incarnation: '' };
  #now = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    const nodes = Array.from({ length: plan.servers }, (_, i) => `server-${i + 1}`);
    const header: Header = {
      clusterId: 'c'.repeat(32),
      sectorBytes: 512,
      slots: plan.servers,
      mode: 'plain',
      timings: plan.timings,
    };
    this.#disk = new Disk(header, nodes);
    this.#servers = nodes.map((node, index) => this.#serverOf(node, index));
  }

  run(): Outcome {
    for (const fault of this.#plan.faults) {
      if ('at' in fault.when) this.#agenda.add(fault.when.at, () => this.#strike(fault));
    }
    for (const server of this.#servers) {
      this.#agenda.add(this.#random.between(0, 100), () => this.#boot(server));
    }
    while (this.#agenda.nextAt <= this.#plan.untilAt && this.#outcome.violations.length === 0) {
      const { at, act } = this.#agenda.take();
      this.#now = at;
      act();
    }
    const serving = this.#servers.map((server) => server.serving?.startedAt).filter((at) => at !== undefined);
    this.#outcome.servingSince = serving.length === 0 ? undefined : Math.min(...serving);
    return this.#outcome;
  }

  #serverOf(node: string, index: number): Server {
    const { drift, timings, timingsOf, servers } = this.#plan;
    const rate = this.#random.chance(0.5)
      ? this.#random.between(1 - drift, 1 + drift)
      : this.#random.chance(0.5)
        ? 1 - drift
        : 1 + drift;
    const identity = { node, index, slots: servers, incarnation: '', timings: timingsOf?.(index) ?? timings };
    return {
      index,
      node,
      rate,
      offset: this.#random.between(0, 1e6),
      life: 0,
      identity,
      machine: undefined,
      stalledUntil: 0,
      hesitateMs: 0,
      cuts: [],
      holds: [],
      wake: 0,
      holdsUntil: undefined,
      leaseEndsAt: Infinity,
      serving: undefined,
      serviceLife: 0,
      accessEpoch: undefined,
    };
  }

  /** Faults that wait for something to be done for the nth time. */
  #did(server: Server, what: Role | 'decided'): void {
    for (const [i, fault] of this.#plan.faults.entries()) {
      const { when } = fault;
      if ('at' in when || when.on !== what || this.#now < when.fromAt) continue;
      const nth = (this.#seen.get(i) ?? 0) + 1;
      this.#seen.set(i, nth);
      if (nth !== when.nth) continue;
      if (when.afterMs === 0) this.#strike(fault, server);
      else this.#agenda.add(this.#now + when.afterMs, () => this.#strike(fault, server));
    }
  }

  #strike(fault: Fault, subject?: Server): void {
    if (this.#now >= this.#plan.quietAt) return;
    if (fault.kind === 'wipe') return this.#disk.wipe();
    if (fault.kind === 'damage') return this.#disk.damage(this.#random.next());
    const server = fault.server === 'subject' ? subject : this.#targetOf(fault.server);
    if (server === undefined) return;
    switch (fault.kind) {
      case 'hesitate':
        server.hesitateMs = fault.forMs;
        return;
      case 'stall':
        server.stalledUntil = Math.max(server.stalledUntil, this.#now + fault.forMs);
        return;
      case 'crash':
        this.#kill(server);
        return this.#agenda.add(this.#now + fault.forMs, () => this.#boot(server));
      case 'cut':
        server.cuts.push({ from: this.#now, to: this.#now + fault.forMs, lands: fault.lands });
        return;
      case 'hold':
        server.holds.push({ status: fault.status, forMs: fault.forMs });
        return;
      case 'release':
        return this.#deliver(server, this.#now, (at) => releaseEvent(at));
      case 'exit':
        if (server.serving === undefined) return;
        server.serving = undefined;
        this.#deliver(server, this.#now, (at) => ({ kind: 'service-ended', at, reason: 'exit 1' }));
    }
  }

  #targetOf(target: Exclude<Target, 'subject'>): Server | undefined {
    if (typeof target === 'number') return this.#servers[target % this.#servers.length];
    const alive = this.#servers.filter(({ machine }) => machine !== undefined);
    const wanted = alive.filter(({ holdsUntil }) => (holdsUntil !== undefined) === (target === 'active'));
    return wanted[Math.floor(this.#random.next() * wanted.length)];
  }

  #kill(server: Server): void {
    server.life += 1;
    server.machine = undefined;
    server.holdsUntil = undefined;
    server.serving = undefined;
    server.accessEpoch = undefined;
    server.stalledUntil = 0;
  }

  #boot(server: Server): void {
    if (server.machine !== undefined) return;
    const incarnation = `${server.index}${String(server.life).padStart(31, '0')}`;
    server.identity = { ...server.identity, incarnation };
    const startedAt = this.#local(server, this.#now);
    const area = this.#disk.read();
    server.machine = this.#plan.machine(server.identity);
    this.#deliver(server, this.#now + this.#latency(), (at) => ({ kind: 'start', at, startedAt, area }));
  }

  #local(server: Server, at: number): number {
    return server.offset + server.rate * at;
  }

  #global(server: Server, local: number): number {
    return (local - server.offset) / server.rate;
  }

  #latency(): number {
    return this.#random.between(0.5, 12);
  }

  #noisy(): boolean {
    return this.#now < this.#plan.quietAt && this.#random.chance(this.#plan.noise);
  }

  /** The server sees this at `at`, or whenever it runs again; the instant in the event is the one at which it did. */
  #deliver(server: Server, at: number, event: (localAt: number) => Event, life = server.life): void {
    this.#agenda.add(at, () => {
      if (server.life !== life || server.machine === undefined) return;
      if (this.#now < server.stalledUntil) return this.#deliver(server, server.stalledUntil, event, life);
      this.#step(server, event(this.#local(server, this.#now)));
    });
  }

  #step(server: Server, event: Event): void {
    this.#outcome.steps += 1;
    const { life } = server;
    for (const effect of server.machine!(event)) if (server.life === life) this.#carryOut(server, effect);
    if (server.holdsUntil !== undefined && server.holdsUntil > this.#now) this.#checkAlone(server);
  }

  #carryOut(server: Server, effect: Effect): void {
    switch (effect.do) {
      case 'read':
        return this.#send(server, (startedAt, life) => this.#read(server, startedAt, life));
      case 'write-record':
        this.#checkRecord(server, effect.record);
        return this.#writeRecord(server, effect.record);
      case 'write-slot':
        this.#checkUnique(server, `slot ${JSON.stringify(effect.slot)}`);
        return this.#send(server, (startedAt, life) =>
          this.#write(server, { slot: effect.slot }, startedAt, life),
        );
      case 'wake': {
        const wake = (server.wake += 1);
        const at = Math.max(this.#now, this.#global(server, effect.at)) + this.#random.between(0, 1);
        this.#agenda.add(at, () => {
          if (server.wake === wake) this.#deliver(server, this.#now, (at) => ({ kind: 'tick', at }));
        });
        return;
      }
      case 'lease':
        server.leaseEndsAt = this.#global(server, effect.endsAt);
        if (server.holdsUntil !== undefined) server.holdsUntil = server.leaseEndsAt;
        return;
      case 'obtain':
        return this.#obtain(server, effect.epoch);
      case 'give-up-access':
        server.accessEpoch = undefined;
        return;
      case 'start-service':
        return this.#startService(server);
      case 'stop-service':
        return this.#stopService(server, effect);
      case 'journal':
        return this.#journal(server, effect.entry);
      case 'end':
        return this.#kill(server);
    }
  }

  #journal(server: Server, entry: ProtocolEntry): void {
    this.#outcome.journal.push({ at: this.#now, server: server.index, entry });
    if (entry.event === 'decided') this.#did(server, 'decided');
    if (entry.event !== 'role') return;
    if (entry.to === 'active') {
      server.holdsUntil = Infinity;
      this.#outcome.takeovers.push({ at: this.#now, server: server.index, epoch: entry.epoch });
    } else if (entry.to !== 'stopping') server.holdsUntil = undefined;
    this.#did(server, entry.to);
  }

  /**
   * A request leaves the server: the scheduler may strike before its start is noted, and again before it is sent.
   * Nothing else runs there meanwhile.
   */
  #send(server: Server, send: (startedAt: number, life: number) => void, hesitateMs = 0): void {
    const { life } = server;
    const notedAt = Math.max(this.#now, server.stalledUntil) + this.#hesitation();
    const sentAt = notedAt + this.#hesitation() + hesitateMs;
    server.stalledUntil = Math.max(server.stalledUntil, sentAt);
    this.#agenda.add(sentAt, () => {
      if (server.life !== life) return;
      const stalled = server.stalledUntil > this.#now && server.stalledUntil !== sentAt;
      if (stalled) this.#agenda.add(server.stalledUntil, () => send(this.#local(server, notedAt), life));
      else send(this.#local(server, notedAt), life);
    });
  }

  #hesitation(): number {
    if (this.#now >= this.#plan.quietAt || !this.#random.chance(this.#plan.hesitation)) return 0;
    return this.#random.between(0, this.#plan.timings.intervalMs * (this.#random.chance(0.5) ? 1 : 6));
  }

  #read(server: Server, startedAt: number, life: number): void {
    const sentAt = this.#now;
    const deadlineMs = server.identity.timings.deadlineMs;
    const slow = this.#noisy() ? this.#random.between(0, 3 * deadlineMs) : 0;
    const seenAt = sentAt + this.#latency() + slow * this.#random.next();
    const answeredAt = seenAt + this.#latency() + slow;
    const failedAt = sentAt + deadlineMs / server.rate;
    if (this.#cutAt(server, sentAt) !== undefined || answeredAt > failedAt) {
      const reason = 'no answer';
      return this.#deliver(server, failedAt, (at) => ({ kind: 'read-failed', at, startedAt, reason }), life);
    }
    this.#agenda.add(seenAt, () => {
      const area = this.#disk.read();
      this.#deliver(server, answeredAt, (at) => ({ kind: 'read', at, startedAt, area }), life);
    });
  }

  #writeRecord(server: Server, record: OwnershipRecord): void {
    const { hesitateMs } = server;
    server.hesitateMs = 0;
    this.#send(server, (startedAt, life) => this.#write(server, { record }, startedAt, life), hesitateMs);
  }

  #write(server: Server, what: Written, startedAt: number, life: number): void {
    const sentAt = this.#now;
    const { deadlineMs } = server.identity.timings;
    const failedAt = sentAt + deadlineMs / server.rate;
    const delayMs = this.#delayOf(server, 'record' in what ? what.record.status : undefined);
    const answeredAt = sentAt + this.#latency() + delayMs + this.#latency();
    const late = answeredAt > failedAt;
    const landsAt = late && 'slot' in what && !this.#plan.lateSlots ? Infinity : answeredAt - 0.5;
    if (landsAt !== Infinity) this.#agenda.add(landsAt, () => this.#land(server, what));
    const answered = answeredAt <= failedAt;
    this.#deliver(
      server,
      answered ? answeredAt : failedAt,
      (at) => {
        const reason = 'no answer';
        if ('slot' in what) {
          return answered
            ? { kind: 'slot-written', at, ...what }
            : { kind: 'slot-write-failed', at, ...what, reason };
        }
        if (answered) return { kind: 'written', at, startedAt };
        return { kind: 'write-failed', at, startedAt, outcome: 'unknown', reason };
      },
      life,
    );
  }

  /** How much later than it should a write lands; Infinity for never. */
  #delayOf(server: Server, status: 0 | 1 | undefined): number {
    const { deadlineMs, intervalMs } = server.identity.timings;
    const held = server.holds.findIndex((hold) => hold.status === status);
    if (held >= 0 && this.#now < this.#plan.quietAt) return server.holds.splice(held, 1)[0]!.forMs;
    const cut = this.#cutAt(server, this.#now);
    if (cut !== undefined) return cut.lands ? cut.to - this.#now + this.#random.between(0, 50) : Infinity;
    if (!this.#noisy()) return 0;
    const kind = this.#random.next();
    if (kind < 0.4) return this.#random.between(0, deadlineMs);
    if (kind < 0.8) return this.#random.between(0, 12 * intervalMs);
    return Infinity;
  }

  #cutAt(server: Server, at: number): Server['cuts'][number] | undefined {
    return server.cuts.find(({ from, to }) => from <= at && at < to);
  }

  #land(server: Server, what: Written): void {
    if ('slot' in what) return this.#disk.writeSlot(server.index, what.slot);
    this.#disk.writeRecord(what.record);
    const { status, epoch, incarnation } = what.record;
    if (status === 0 || epoch <= this.#grant.epoch) return;
    this.#grant = { epoch, incarnation };
    for (const other of this.#servers) {
      if (other.accessEpoch === undefined || other.identity.incarnation === incarnation) continue;
      const { accessEpoch } = other;
      other.accessEpoch = undefined;
      if (this.#cutAt(other, this.#now) !== undefined) continue;
      const reason = 'connection ended';
      this.#deliver(other, this.#now + this.#latency(), (at) => ({
        kind: 'access-lost',
        at,
        epoch: accessEpoch,
        reason,
      }));
    }
  }

  #obtain(server: Server, epoch: number): void {
    const at = this.#now + this.#latency() * 2;
    if (this.#cutAt(server, this.#now) !== undefined) {
      return this.#deliver(server, at, (at) => ({ kind: 'access-failed', at, epoch, reason: 'no answer' }));
    }
    this.#deliver(server, at, (at) => {
      const { epoch: grantedEpoch, incarnation } = this.#grant;
      const granted = epoch === 0 || (grantedEpoch === epoch && incarnation === server.identity.incarnation);
      if (!granted)
        return { kind: 'access-refused', at, epoch, grantedEpoch, reason: `epoch ${grantedEpoch}` };
      server.accessEpoch = epoch;
      return { kind: 'access-granted', at, epoch };
    });
  }

  #startService(server: Server): void {
    const serviceLife = (server.serviceLife += 1);
    this.#deliver(server, this.#now + 20, (at) => {
      if (server.serviceLife === serviceLife) server.serving = { startedAt: this.#now };
      return { kind: 'service-started', at, pid: 1 };
    });
  }

  #stopService(server: Server, effect: Extract<Effect, { do: 'stop-service' }>): void {
    server.serviceLife += 1;
    const byAt = this.#global(server, effect.byAt);
    const at = effect.how === 'now' ? this.#now : Math.min(byAt, this.#now + this.#random.between(1, 2000));
    this.#deliver(server, Math.max(at, this.#now) + 1, (at) => {
      server.serving = undefined;
      return { kind: 'service-ended', at, reason: 'stopped' };
    });
  }

  /** Promise (a): at any time at most one server is active and within its lease. */
  #checkAlone(server: Server): void {
    for (const other of this.#servers) {
      if (other === server || other.holdsUntil === undefined || other.holdsUntil <= this.#now) continue;
      const until = other.holdsUntil - this.#now;
      this.#violated(
        `(a): ${server.node} became active ${until.toFixed(1)} ms before the lease of ${other.node} ended`,
      );
    }
  }

  #checkRecord(server: Server, record: OwnershipRecord): void {
    const { incarnation, status, node, epoch } = record;
    this.#checkUnique(server, `record ${JSON.stringify(record)}`);
    if (status !== 0 || node === '' || epoch === 0) return;
    const claimant = this.#claims.get(epoch);
    if (claimant !== undefined && !this.#plan.lateSlots) {
      this.#violated(`epoch ${epoch} claimed by ${claimant} and then by ${incarnation}`);
    }
    this.#claims.set(epoch, incarnation);
  }

  #checkUnique(server: Server, bytes: string): void {
    // Only the method as published writes the same bytes twice, and it does not promise otherwise.
    if (bytes.includes('"epoch":0,') && bytes.startsWith('record')) return;
    if (this.#written.has(bytes)) this.#violated(`${server.node} wrote the same bytes twice: ${bytes}`);
    this.#written.add(bytes);
  }

  #violated(what: string): void {
    this.#outcome.violations.push(`at ${this.#now.toFixed(1)}: ${what}`);
  }
}

function releaseEvent(at: number): Event {
  // oxlint-disable-next-line unicorn/no-thenable -- the field's name, not a promise
  return { kind: 'release', at, then: 'observe' };
}
