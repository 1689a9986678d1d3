import type { NodeSlot, OwnershipRecord } from '../types.ts';
import type { Disk } from './disk.fixture.ts';
import type { Server, Stage } from './stage.fixture.ts';

/** At most, when nothing is wrong. */
export const ROUND_TRIP_MS = 24;

/** What an agent is told of a write that the storage answered with an error. */
export const DISK_ERROR = 'EIO';

type Written = { record: OwnershipRecord } | { slot: NodeSlot };
type Send = (startedAt: number, life: number) => void;

/** Requests on their way to the quorum area and answers on their way back, with all that can go wrong between. */
export class Requests {
  readonly #stage: Stage;
  readonly #disk: Disk;

  constructor(stage: Stage, disk: Disk) {
    this.#stage = stage;
    this.#disk = disk;
  }

  read(server: Server): void {
    this.#send(server, (startedAt, life) => this.#sendRead(server, startedAt, life));
  }

  writeRecord(server: Server, record: OwnershipRecord): void {
    const hesitateMs = this.#stage.quiet ? 0 : server.hesitateMs;
    server.hesitateMs = 0;
    this.#send(server, (startedAt, life) => this.#sendWrite(server, { record }, startedAt, life), hesitateMs);
  }

  writeSlot(server: Server, slot: NodeSlot): void {
    this.#send(server, (startedAt, life) => this.#sendWrite(server, { slot }, startedAt, life));
  }

  /** One way, of whatever request. */
  latency(): number {
    return this.#stage.random.between(0.5, ROUND_TRIP_MS / 2);
  }

  #oneWay({ index }: Server, what: 'read' | 'write', way: 'there' | 'back'): number {
    return this.#stage.plan.pace?.oneWayMs(index, what, way) ?? this.latency();
  }

  cutAt(server: Server, at: number): Server['cuts'][number] | undefined {
    return server.cuts.find(({ from, to }) => from <= at && at < to);
  }

  /** How much later than it should a write lands; Infinity for never. */
  delayOf(server: Server, status: 0 | 1 | undefined): number {
    const { random, now } = this.#stage;
    const { deadlineMs, intervalMs } = server.identity.timings;
    const held = server.holds.findIndex((hold) => hold.status === status);
    if (held >= 0 && !this.#stage.quiet) return server.holds.splice(held, 1)[0]!.forMs;
    const cut = this.cutAt(server, now);
    if (cut !== undefined) return cut.lands ? cut.to - now + random.between(0, 50) : Infinity;
    if (!this.#noisy()) return 0;
    const kind = random.next();
    if (kind < 0.4) return random.between(0, deadlineMs);
    if (kind < 0.8) return random.between(0, 12 * intervalMs);
    return Infinity;
  }

  /**
   * A request leaves the server: the scheduler may strike before its start is noted, and again before it is sent.
   * Nothing else runs there meanwhile.
   */
  #send(server: Server, send: Send, hesitateMs = 0): void {
    const stage = this.#stage;
    const { life } = server;
    const notedAt = Math.max(stage.now, server.stalledUntil) + this.#hesitation();
    const sentAt = notedAt + this.#hesitation() + hesitateMs;
    if (sentAt > stage.now) stage.stall(server, sentAt);
    stage.schedule(sentAt, () => {
      if (server.life !== life) return;
      const stalled = server.stalledUntil > stage.now;
      const now = () => send(stage.local(server, notedAt), life);
      if (stalled) stage.schedule(server.stalledUntil, () => server.life === life && now());
      else now();
    });
  }

  #hesitation(): number {
    const { plan, random, quiet } = this.#stage;
    if (quiet || !random.chance(plan.hesitation)) return 0;
    return random.between(0, plan.timings.intervalMs * (random.chance(0.5) ? 1 : 6));
  }

  #sendRead(server: Server, startedAt: number, life: number): void {
    const stage = this.#stage;
    const { deadlineMs } = server.identity.timings;
    if (server.lingerMs > 0 && !stage.quiet) stage.stall(server, stage.now + server.lingerMs);
    server.lingerMs = 0;
    const slowMs = this.#noisy() ? stage.random.between(0, 3 * deadlineMs) : 0;
    const seenAt = stage.now + this.#oneWay(server, 'read', 'there') + slowMs * stage.random.next();
    const answeredAt = seenAt + this.#oneWay(server, 'read', 'back') + slowMs;
    const failedAt = stage.now + deadlineMs / server.rate;
    if (this.cutAt(server, stage.now) !== undefined || answeredAt > failedAt) {
      const reason = 'no answer';
      return stage.deliver(server, failedAt, (at) => ({ kind: 'read-failed', at, startedAt, reason }), life);
    }
    stage.schedule(seenAt, () => {
      const area = this.#disk.read();
      stage.deliver(server, answeredAt, (at) => ({ kind: 'read', at, startedAt, area }), life);
    });
  }

  #sendWrite(server: Server, what: Written, startedAt: number, life: number): void {
    const stage = this.#stage;
    if ('record' in what && this.#answeredWithError(server, what.record, startedAt, life)) return;
    const failedAt = stage.now + server.identity.timings.deadlineMs / server.rate;
    const delayMs = this.delayOf(server, 'record' in what ? what.record.status : undefined);
    const seenAt = stage.now + this.#oneWay(server, 'write', 'there') + delayMs;
    const answeredAt = seenAt + this.#oneWay(server, 'write', 'back');
    const answered = answeredAt <= failedAt;
    const lost = !answered && 'slot' in what && !stage.plan.lateSlots;
    if (!lost && answeredAt !== Infinity) {
      stage.schedule(answeredAt - 0.5, () => this.#land(server, what));
      if (delayMs > 0) stage.disturbedUntil(answeredAt);
    }
    const reason = 'no answer';
    if (answered) {
      return stage.deliver(
        server,
        answeredAt,
        (at) => ('slot' in what ? { kind: 'slot-written', at, ...what } : { kind: 'written', at, startedAt }),
        life,
      );
    }
    stage.deliver(
      server,
      failedAt,
      (at) =>
        'slot' in what
          ? { kind: 'slot-write-failed', at, ...what, reason }
          : { kind: 'write-failed', at, startedAt, outcome: 'unknown', reason },
      life,
    );
  }

  /** An error comes at once; whether the bytes do, and when, is another matter. */
  #answeredWithError(server: Server, record: OwnershipRecord, startedAt: number, life: number): boolean {
    const stage = this.#stage;
    const found = server.errors.findIndex(({ status }) => status === record.status);
    if (found < 0 || stage.quiet) return false;
    const [{ forMs, lands }] = server.errors.splice(found, 1) as [Server['errors'][number]];
    const seenAt = stage.now + this.latency();
    const answer = lands
      ? ({ outcome: 'unknown', reason: DISK_ERROR } as const)
      : ({ outcome: 'failed', reason: 'not sent' } as const);
    if (lands) {
      stage.schedule(seenAt + forMs, () => this.#land(server, { record }));
      stage.disturbedUntil(seenAt + forMs);
    }
    const answeredAt = seenAt + this.latency();
    stage.deliver(server, answeredAt, (at) => ({ kind: 'write-failed', at, startedAt, ...answer }), life);
    return true;
  }

  #noisy(): boolean {
    return !this.#stage.quiet && this.#stage.random.chance(this.#stage.plan.noise);
  }

  #land(server: Server, what: Written): void {
    if ('slot' in what) this.#disk.writeSlot(server.index, what.slot);
    else this.#disk.writeRecord(what.record);
  }
}
