import type { AuditLine } from '../../src/ports/audit.ts';
import type { Checker, History } from '../history/events.ts';
import { Findings } from './findings.ts';
import { type Instants, instantsOf } from './instants.ts';

type Line<E extends AuditLine['event']> = Extract<AuditLine, { event: E }>;

/** Whoever held the unit, from one told instant to another. */
interface Tenure {
  connection: number;
  key: bigint;
  fromT: number;
  toT: number;
}

/**
 * Over iSCSI it is the target that lets in and keeps out, by its reservation, and the storage node only tells of it. So what
 * it tells is held against the commands that it saw answered: whom a grant names holds the unit with the key of its epoch
 * and its slot; nothing of an older owner is under way once it was drained, which takes a LOGICAL UNIT RESET after a preempt;
 * who is let in is the holder; and nobody else writes.
 */
export const reservationsHeld: Checker = (history) => {
  const findings = new Findings(
    'reservations-held',
    'whoever was granted the data unit, let into it or wrote to it held its reservation, by the commands answered',
  );
  const replay = new Replay(findings, instantsOf(history), slotsOf(history));
  for (const line of history.audit) replay.see(line);
  const { taken, resets, writes } = replay;
  if (findings.intact && taken > 0)
    findings.holds(
      `${taken} times taken, ${resets} resets; each of ${writes} writes by the holder of its time`,
    );
  findings.count({ reservationsTaken: taken, resets });
  return findings.result('the audit shows no reservation of the data unit');
};

/** It is a claim about targets, and where the fencing is off there is nothing to hold. */
export function isReserved({ lab }: History): boolean {
  return lab.some((event) => event.event === 'lab-started' && event.storage === 'tgt' && event.gate.fencing);
}

/** The number of each server in the area's header, as its agent says. */
function slotsOf({ journals }: History): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  for (const [server, lines] of journals) {
    for (const line of lines) if (line.event === 'agent-started') slots.set(server, line.index);
  }
  return slots;
}

/** Goes through the audit line by line with the registrations and the holder as the answers have made them. */
class Replay {
  taken = 0;
  resets = 0;
  writes = 0;
  readonly #findings: Findings;
  readonly #instants: Instants;
  readonly #slots: ReadonlyMap<string, number>;
  #keys = new Map<number, bigint>();
  #holder: Tenure | undefined;
  #tenures: Tenure[] = [];
  #isUp = true;
  /** The holder has it from somebody else, and no reset was done since. */
  #mayBeUnderWay = false;
  #granted = 0;
  /** Writes of others that were told since the holder took the unit, and when it did. */
  #underWay: { sinceT: number; ended: number; refused: number } | undefined;
  #drained: { epoch: number; t: number } | undefined;

  constructor(findings: Findings, instants: Instants, slots: ReadonlyMap<string, number>) {
    this.#findings = findings;
    this.#instants = instants;
    this.#slots = slots;
  }

  see(line: AuditLine): void {
    switch (line.event) {
      case 'server-started':
      case 'gate-started':
        this.#isUp = true;
        return this.#forget(line);
      case 'server-ended':
        this.#isUp = false;
        return this.#forget(line);
      case 'reservation':
        return this.#reservation(line);
      case 'grant':
        return this.#grant(line);
      case 'drained':
        return this.#drain(line);
      case 'admitted':
        return this.#admit(line);
      case 'write':
        return this.#write(line);
      case 'write-refused':
        if (this.#underWay !== undefined && line.connection !== this.#holder?.connection)
          this.#underWay.refused += 1;
        return;
      default:
    }
  }

  /** A target that ends forgets its reservations; a storage node that is started again numbers its connections anew. */
  #forget({ event, t }: AuditLine): void {
    this.#keys = new Map();
    this.#endTenure(t);
    if (event === 'gate-started') this.#tenures = [];
    this.#mayBeUnderWay = false;
    this.#underWay = undefined;
  }

  #endTenure(t: number): void {
    if (this.#holder !== undefined) this.#holder.toT = t;
    this.#holder = undefined;
  }

  #hold(connection: number, t: number): void {
    this.taken += 1;
    this.#endTenure(t);
    this.#holder = { connection, key: this.#keys.get(connection) ?? 0n, fromT: t, toT: Infinity };
    this.#tenures.push(this.#holder);
    this.#underWay = { sinceT: t, ended: 0, refused: 0 };
  }

  #reservation(line: Line<'reservation'>): void {
    const { connection, action, outcome, t } = line;
    if (outcome === 'unknown' && this.#isUp)
      this.#findings.unknown(
        `what became of a ${action} on connection ${connection} at ${this.#at(t)} is not known`,
      );
    if (outcome !== 'ok') return;
    const [own, other] = [BigInt(line.key), BigInt(line.serviceActionKey)];
    switch (action) {
      case 'register':
        return this.#register(connection, other, t);
      case 'reserve':
        if (this.#holder?.connection !== connection) this.#hold(connection, t);
        return;
      case 'release':
        if (this.#holder?.connection === connection) this.#endTenure(t);
        return;
      case 'clear':
        this.#keys = new Map();
        return this.#endTenure(t);
      case 'reset':
        this.resets += 1;
        this.#mayBeUnderWay = false;
        return;
      default:
        if (action.startsWith('preempt')) this.#preempt(connection, own, other, t);
    }
  }

  #register(connection: number, key: bigint, t: number): void {
    const isHolder = this.#holder?.connection === connection;
    if (key !== 0n) this.#keys.set(connection, key);
    else this.#keys.delete(connection);
    if (!isHolder) return;
    if (key === 0n) this.#endTenure(t);
    else this.#holder!.key = key;
  }

  #preempt(connection: number, own: bigint, victim: bigint, t: number): void {
    if (this.#keys.get(connection) !== own)
      this.#findings.violated(
        `a preempt with key ${hex(own)} on connection ${connection} was answered ok at ${this.#at(t)}, and that had ` +
          'not registered it',
        t,
      );
    const takes = this.#holder?.key === victim;
    for (const [other, key] of this.#keys)
      if (other !== connection && key === victim) this.#keys.delete(other);
    if (!takes) return;
    this.#hold(connection, t);
    this.#mayBeUnderWay = true;
  }

  #grant({ node, epoch, t }: Line<'grant'>): void {
    this.#granted = epoch;
    const slot = this.#slots.get(node);
    const key = this.#holder?.key;
    const isOwn = key !== undefined && epochOf(key) === epoch && (slot === undefined || slotOf(key) === slot);
    if (!isOwn)
      this.#findings.violated(
        `epoch ${epoch} was granted to ${node} at ${this.#at(t)}, and ${this.#who()} held the unit`,
        t,
        [node],
      );
  }

  #drain({ epoch, writesAwaited, t }: Line<'drained'>): void {
    this.#drained = { epoch, t };
    const { ended, refused } = this.#underWay ?? { ended: writesAwaited, refused: 0 };
    if (writesAwaited < ended || writesAwaited > ended + refused)
      this.#findings.unknown(
        `${writesAwaited} writes were awaited until epoch ${epoch} was drained at ${this.#at(t)}, and the record tells ` +
          `of ${ended} and of ${refused} refused`,
      );
    this.#underWay = undefined;
    if (epoch !== this.#granted)
      this.#findings.violated(
        `epoch ${epoch} was told to be drained at ${this.#at(t)}, and ${this.#granted} was granted`,
        t,
      );
    if (this.#mayBeUnderWay)
      this.#findings.violated(
        `epoch ${epoch} was told to be drained at ${this.#at(t)}, and no reset had been done since it was preempted`,
        t,
      );
  }

  #admit({ export: name, node, epoch, connection, t }: Line<'admitted'>): void {
    const isHolder = this.#holder?.connection === connection && epochOf(this.#holder.key) === epoch;
    if (!isHolder)
      this.#findings.violated(
        `${name} was let in on connection ${connection} at ${this.#at(t)}, and ${this.#who()} held the unit`,
        t,
        [node],
      );
    if (this.#mayBeUnderWay)
      this.#findings.violated(
        `${name} was let in at ${this.#at(t)}, and no reset had been done since it preempted`,
        t,
        [node],
      );
  }

  #write({ export: name, node, epoch, connection, beganAt, outcome, t }: Line<'write'>): void {
    if (outcome !== 'ok' && outcome !== 'unknown') return;
    this.writes += 1;
    const since = this.#underWay;
    if (since !== undefined && connection !== this.#holder?.connection && beganAt < since.sinceT)
      since.ended += 1;
    const late = this.#drained;
    if (late !== undefined && epoch < late.epoch && t > late.t)
      this.#findings.violated(
        `a write of ${name} ended at ${this.#at(t)}, after epoch ${late.epoch} had been told to be drained at ` +
          this.#at(late.t),
        t,
        [node],
      );
    const held = this.#tenures.some(
      (each) => each.connection === connection && each.fromT <= beganAt && beganAt <= each.toT,
    );
    if (outcome === 'ok' && !held)
      this.#findings.violated(
        `${name} wrote on connection ${connection} from ${this.#at(beganAt)} to ${this.#at(t)}, and did not hold the unit`,
        t,
        [node],
      );
  }

  #who(): string {
    if (this.#holder === undefined) return 'nobody';
    return `connection ${this.#holder.connection} with key ${hex(this.#holder.key)}`;
  }

  #at(t: number): string {
    return this.#instants.at(t);
  }
}

/** PROTOCOL, "The data area at the storage node": key = (slot << 48) | (epoch mod 2^48). */
function epochOf(key: bigint): number {
  return Number(BigInt.asUintN(48, key));
}

function slotOf(key: bigint): number {
  return Number(key >> 48n);
}

function hex(key: bigint): string {
  return `0x${key.toString(16).padStart(16, '0')}`;
}
