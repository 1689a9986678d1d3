import type { Grant } from '../../ports/audit.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import type { SeenCommand } from '../../wire/scsi/cdb.ts';
import { PR_OUT, type ReserveOutParameters } from '../../wire/scsi/persistent-reserve.ts';
import { type Audit, nowNs } from '../audit.ts';
import type { QuorumRecord } from './quorum-record.ts';
import { Reservations } from './reservations.ts';
import type { GrantStore } from '../grant-store.ts';

export interface DataUnitParts {
  fencing: boolean;
  /** The last one that is remembered. */
  granted: Grant | null;
  store: GrantStore;
  record: QuorumRecord;
  audit: Audit;
  /** One line for people. */
  onTrouble(line: string): void;
}

/** Who asks, as the session calls itself. */
export interface Claimant extends Grant {
  connection: number;
}

/** What a closed unit lets everybody do: nothing of it reads or writes data, or hinders the owner. */
const HARMLESS: ReadonlySet<number> = new Set([
  OPERATION.TEST_UNIT_READY,
  OPERATION.REQUEST_SENSE,
  OPERATION.INQUIRY,
  OPERATION.MODE_SENSE_6,
  OPERATION.MODE_SENSE_10,
  OPERATION.READ_CAPACITY_10,
  OPERATION.SERVICE_ACTION_IN_16,
  OPERATION.REPORT_LUNS,
  OPERATION.MAINTENANCE_IN,
  OPERATION.PERSISTENT_RESERVE_IN,
  OPERATION.SYNCHRONIZE_CACHE_10,
  OPERATION.SYNCHRONIZE_CACHE_16,
]);

const KEY_EPOCH_BITS = 48;

/**
 * The fencing of the data unit. tgtd forgets reservations when it ends, and what nobody has reserved is open to all: so
 * after every start of a tgtd, and when its holder has given it up, the unit is closed, but for the owner in the quorum record, until that one has reserved it
 * (PROTOCOL, "The data area at the storage node"). From then on the reservation itself decides.
 *
 * It also tells when an owner was granted the unit, when nothing of a former one could still be written, and remembers the
 * last grant: no lower epoch is let into the closed unit, whatever late write is in the record.
 */
export class DataUnit {
  readonly #parts: DataUnitParts;
  #reservations = new Reservations();
  #isClosed: boolean;
  #granted: Grant | null;
  /** The last grant, while writes of an older owner may be under way: when it was made, and how many were. */
  #draining: { sinceNs: number; writesAwaited: number } | null = null;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: DataUnitParts) {
    this.#parts = parts;
    this.#isClosed = parts.fencing;
    this.#granted = parts.granted;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether something of a former owner may still be written. */
  get isDraining(): boolean {
    return this.#draining !== null;
  }

  get granted(): Grant | null {
    return this.#granted;
  }

  get reservations(): Reservations {
    return this.#reservations;
  }

  /** A tgtd began that knows of no reservation; whatever was told to the one before is through. */
  fresh(): void {
    this.#drained();
    this.#reservations = new Reservations();
    this.#isClosed = this.#parts.fencing;
  }

  /**
   * Resolves when no other PERSISTENT RESERVE OUT is under way, with what gives the turn away: so they are answered in the
   * order in which they were carried out.
   */
  async turn(): Promise<() => void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    return resolve;
  }

  /** Why the closed unit refuses a command; undefined when it goes on. Reads the record. Call it only while it is closed. */
  async refusal(command: SeenCommand, asked: ReserveOutParameters | undefined): Promise<string | undefined> {
    if (HARMLESS.has(command.operation)) return undefined;
    const closed = 'the data unit is closed since the start of the target';
    if (asked === undefined) return `${closed}: the owner in the quorum record has to reserve it first`;
    const isRegister =
      asked.serviceAction === PR_OUT.REGISTER ||
      asked.serviceAction === PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY;
    if (isRegister && asked.serviceActionKey === 0n) return undefined;
    const key = isRegister ? asked.serviceActionKey : asked.key;
    const why = await this.#whyNot(key);
    return why === undefined ? undefined : `${closed}: ${why}`;
  }

  /**
   * A PERSISTENT RESERVE OUT goes on. What nobody has reserved is open to all, so the unit is closed before anything that
   * may leave it so, not after.
   */
  goesOn(connection: number, { serviceAction, key, serviceActionKey }: ReserveOutParameters): void {
    const { holder } = this.#reservations;
    const isHolder = holder?.connection === connection;
    const releases =
      serviceAction === PR_OUT.RELEASE ||
      ((serviceAction === PR_OUT.REGISTER || serviceAction === PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY) &&
        serviceActionKey === 0n);
    const clears = serviceAction === PR_OUT.CLEAR && this.#reservations.keyOf(connection) === key;
    if (clears || (isHolder && releases)) this.#isClosed = this.#parts.fencing;
  }

  /** It was answered, whatever the answer: the unit is open while it has a holder. */
  wasAnswered(): void {
    this.#isClosed = this.#parts.fencing && this.#reservations.holder === null;
  }

  /** A PERSISTENT RESERVE OUT was answered GOOD. Rejects when a new grant cannot be kept: nobody may hear of it then. */
  async reserved(by: Claimant, asked: ReserveOutParameters, writesUnderWay: number): Promise<void> {
    this.#reservations.answeredGood(by.connection, asked);
    const { holder } = this.#reservations;
    this.wasAnswered();
    if (holder?.connection !== by.connection) return;
    const takes: number[] = [PR_OUT.RESERVE, PR_OUT.PREEMPT, PR_OUT.PREEMPT_AND_ABORT];
    if (!takes.includes(asked.serviceAction)) return;
    await this.#grant(by, holder.key, writesUnderWay);
    // Somebody may have been there before all the same, and have given it up with writes under way.
    const isThrough = asked.serviceAction !== PR_OUT.PREEMPT && writesUnderWay === 0;
    if (isThrough) this.#drained();
  }

  /**
   * A LOGICAL UNIT RESET that began then was answered that it was done: what was under way before it is through. One that
   * began before the grant says nothing of what a former owner could still begin in between.
   */
  wasReset(beganAt: number): void {
    if (this.#draining !== null && beganAt >= this.#draining.sinceNs) this.#drained();
  }

  async #whyNot(key: bigint): Promise<string | undefined> {
    const owner = await this.#parts.record.owner().catch((error: unknown) => {
      this.#parts.onTrouble(`storage: the quorum area cannot be read, nobody is let in: ${String(error)}`);
      return null;
    });
    if (owner === null) return 'the quorum record shows no owner';
    const { node, epoch, slots } = owner;
    if (key !== keyOf(epoch % slots, epoch)) return `the quorum record shows ${node}, epoch ${epoch}`;
    const last = this.#granted?.epoch ?? 0;
    return epoch < last ? `epoch ${epoch} is over: ${last} was granted` : undefined;
  }

  async #grant(by: Claimant, key: bigint, writesAwaited: number): Promise<void> {
    const { node, epoch, incarnation } = by;
    const previousEpoch = this.#granted?.epoch ?? 0;
    // What counts is the key; a stranger's is no epoch, and the last grant must not become one that nobody can go beyond.
    if (epoch <= previousEpoch || epochBits(BigInt(epoch)) !== epochBits(key)) return;
    const sinceNs = nowNs();
    const grant = { node, epoch, incarnation };
    const clusterId = this.#parts.record.header?.clusterId ?? null;
    if (this.#parts.fencing) await this.#parts.store.save({ granted: grant, floor: 0, clusterId });
    this.#granted = grant;
    this.#draining = { sinceNs, writesAwaited };
    this.#parts.audit.write({ event: 'grant', ...grant, previousEpoch });
  }

  #drained(): void {
    if (this.#draining === null) return;
    const { sinceNs, writesAwaited } = this.#draining;
    this.#draining = null;
    const drainMs = Math.round((nowNs() - sinceNs) / 1000) / 1000;
    const { epoch } = this.#granted!;
    this.#parts.audit.write({ event: 'drained', epoch, connectionsEnded: 0, writesAwaited, drainMs });
  }
}

function epochBits(key: bigint): bigint {
  return BigInt.asUintN(KEY_EPOCH_BITS, key);
}

/** The key of the server in `slot` under `epoch` (PROTOCOL, "The data area at the storage node"). */
function keyOf(slot: number, epoch: number): bigint {
  return (BigInt(slot) << BigInt(KEY_EPOCH_BITS)) | epochBits(BigInt(epoch));
}
