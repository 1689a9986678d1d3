import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import type { ReservableUnit, Reservation, ReservationType } from '../../ports/reservable-unit.ts';
import { read16, synchronizeCache16, write16 } from '../../wire/scsi/block-commands.ts';
import { deviceIdentification, parseDeviceIdentification } from '../../wire/scsi/inquiry.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { parseKeys, parseReservation } from '../../wire/scsi/persistent-reserve-data.ts';
import {
  PR_IN,
  PR_OUT,
  persistentReserveIn,
  persistentReserveOut,
  type ReserveOutParameters,
} from '../../wire/scsi/persistent-reserve.ts';
import { MalformedScsiData } from '../../wire/scsi/request.ts';
import { parseSupportedOperation, reportSupportedOperation } from '../../wire/scsi/supported-operation.ts';
import type { IscsiTarget } from './login.ts';
import { ScsiUnit } from './scsi-unit.ts';
import { IscsiSession } from './session.ts';
import { describeUnit, type UnitInfo } from './unit-info.ts';

/** The largest answer to READ KEYS there is: 8191 registrations. */
const mostKeyBytes = 65535;

/**
 * A logical unit by one session that is this unit's own, and ends with it. Every call is one command, sent once, but for
 * `describe` and `writeDurably`; each rejects as `ScsiUnit.run`. What it reads and writes it does under whatever reservation
 * there is on the unit.
 */
export class IscsiUnit implements ReservableUnit, AsyncDisposable {
  readonly session: IscsiSession;
  readonly #unit: ScsiUnit;

  /** A session, and no command yet. Rejects as `IscsiSession.open` does. */
  static async open(target: IscsiTarget, deadlineMs: number): Promise<IscsiUnit> {
    const session = await IscsiSession.open({ ...target, deadlineMs });
    return new IscsiUnit(session, target.address.lun);
  }

  private constructor(session: IscsiSession, lun: number) {
    this.session = session;
    this.#unit = new ScsiUnit(session, lun);
  }

  get name(): string {
    return this.session.name;
  }

  /** False once the session is lost, or being left. */
  get usable(): boolean {
    return this.session.usable;
  }

  /** As `IscsiSession.onClosed`. */
  onClosed(listener: (reason: string) => void): void {
    this.session.onClosed(listener);
  }

  /**
   * What the unit calls itself, the same by whatever path: the designators of the unit itself (INQUIRY page 83, SPC-4, 7.8.6),
   * those of the port left out. Empty where it has none.
   */
  async identity(deadlineMs: number): Promise<string> {
    const untilMs = performance.now() + deadlineMs;
    const designators = await this.#unit
      .ask(deviceIdentification(), parseDeviceIdentification, untilMs)
      .catch((error: unknown) => {
        if (isNameless(error)) return [];
        throw error;
      });
    return designators
      .filter(({ association }) => association === 0)
      .map(({ type, designator }) => `${type}:${Buffer.from(designator).toString('hex')}`)
      .sort()
      .join(' ');
  }

  /** What the unit is, asked anew. Rejects with `DeviceUnusable` too, when it is not there or no disk. */
  describe(deadlineMs: number): Promise<UnitInfo> {
    return describeUnit(this.#unit, performance.now() + deadlineMs);
  }

  /**
   * Whole blocks of `info`, which is what `describe` returned. EIO when less came. `into`: as many bytes of the caller's,
   * which are returned then; until it is settled they are not his.
   */
  async read(
    { blockBytes }: UnitInfo,
    offsetBytes: number,
    lengthBytes: number,
    deadlineMs: number,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    const what = `read of ${lengthBytes} bytes at ${offsetBytes}`;
    const command = read16(offsetBytes / blockBytes, lengthBytes / blockBytes, blockBytes);
    const request = into === undefined ? command : { ...command, into };
    const data = await this.#unit.run(request, performance.now() + deadlineMs, what);
    if (data.length === lengthBytes) return data;
    throw new RequestFailed(`${this.name}: ${what} returned ${data.length} bytes`, 'EIO');
  }

  /** Whole blocks. Whether they are on stable storage then is the unit's affair. */
  async write(
    { blockBytes }: UnitInfo,
    offsetBytes: number,
    bytes: Uint8Array,
    deadlineMs: number,
  ): Promise<void> {
    const command = write16(offsetBytes / blockBytes, bytes, blockBytes);
    await this.#unit.run(command, performance.now() + deadlineMs, whatOf(offsetBytes, bytes));
  }

  /** Whole blocks, on stable storage when it resolves: by forced unit access, or as the unit wants it. */
  async writeDurably(
    { blockBytes, durability }: UnitInfo,
    offsetBytes: number,
    bytes: Uint8Array,
    deadlineMs: number,
  ): Promise<void> {
    const untilMs = performance.now() + deadlineMs;
    const what = whatOf(offsetBytes, bytes);
    const fua = durability === 'fua';
    await this.#unit.run(write16(offsetBytes / blockBytes, bytes, blockBytes, { fua }), untilMs, what);
    if (durability === 'flush') await this.#flushAfter(what, untilMs);
  }

  /** SYNCHRONIZE CACHE: covers the writes that were answered before it was sent, by whatever session. */
  async flush(deadlineMs: number): Promise<void> {
    await this.#unit.run(synchronizeCache16(), performance.now() + deadlineMs, 'flush');
  }

  async registerKey(key: bigint, deadlineMs: number): Promise<void> {
    await this.#reserveOut(PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY, { serviceActionKey: key }, deadlineMs);
  }

  async readKeys(deadlineMs: number): Promise<{ generation: number; keys: readonly bigint[] }> {
    const untilMs = performance.now() + deadlineMs;
    const what = 'PERSISTENT RESERVE IN (read keys)';
    for (const bytes of [undefined, mostKeyBytes]) {
      const command = persistentReserveIn(PR_IN.READ_KEYS, bytes);
      const { complete, ...keys } = await this.#unit.ask(command, parseKeys, untilMs, what);
      if (complete) return keys;
    }
    throw new RequestFailed(`${this.name}: ${what}: more keys than an answer has room for`, 'EIO');
  }

  async readReservation(deadlineMs: number): Promise<Reservation | undefined> {
    const command = persistentReserveIn(PR_IN.READ_RESERVATION);
    const what = 'PERSISTENT RESERVE IN (read reservation)';
    const untilMs = performance.now() + deadlineMs;
    return (await this.#unit.ask(command, parseReservation, untilMs, what)).held;
  }

  async reserve(key: bigint, type: ReservationType, deadlineMs: number): Promise<void> {
    await this.#reserveOut(PR_OUT.RESERVE, { key, type }, deadlineMs);
  }

  async preempt(
    own: bigint,
    victim: bigint,
    type: ReservationType,
    deadlineMs: number,
    abort: boolean,
  ): Promise<void> {
    const action = abort ? PR_OUT.PREEMPT_AND_ABORT : PR_OUT.PREEMPT;
    await this.#reserveOut(action, { key: own, serviceActionKey: victim, type }, deadlineMs);
  }

  /** As `supports`. A target may say yes and refuse it all the same: tgt says yes to every service action. */
  supportsPreemptAndAbort(deadlineMs: number): Promise<boolean> {
    return this.supports(OPERATION.PERSISTENT_RESERVE_OUT, PR_OUT.PREEMPT_AND_ABORT, deadlineMs);
  }

  /** By REPORT SUPPORTED OPERATION CODES; false where the unit does not say. Of one service action, where it has those. */
  async supports(operation: number, serviceAction: number | undefined, deadlineMs: number): Promise<boolean> {
    const command = reportSupportedOperation(operation, serviceAction);
    try {
      const untilMs = performance.now() + deadlineMs;
      return (await this.#unit.ask(command, parseSupportedOperation, untilMs)) === 'yes';
    } catch (error) {
      if (error instanceof RequestFailed && error.code.startsWith('ILLEGAL REQUEST')) return false;
      throw error;
    }
  }

  resetLogicalUnit(deadlineMs: number): Promise<void> {
    return this.#unit.resetLogicalUnit(deadlineMs);
  }

  /** Commands in flight are settled first. Its registration with the target, if there is one, stays. */
  close(): Promise<void> {
    return this.session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** On the same session: whatever this comes to, the write is done. */
  async #flushAfter(what: string, untilMs: number): Promise<void> {
    try {
      await this.#unit.run(synchronizeCache16(), untilMs);
    } catch (cause) {
      throw new OutcomeUnknown(`${this.name}: ${what} was answered, but not the flush after it`, { cause });
    }
  }

  async #reserveOut(
    action: number,
    parameters: Partial<ReserveOutParameters>,
    deadlineMs: number,
  ): Promise<void> {
    const what = `PERSISTENT RESERVE OUT (${actionNames[action]!})`;
    await this.#unit.run(persistentReserveOut(action, parameters), performance.now() + deadlineMs, what);
  }
}

/** It does not know the page, or fills it with what is none. */
function isNameless(error: unknown): boolean {
  if (!(error instanceof RequestFailed)) return false;
  return error.code.startsWith('ILLEGAL REQUEST') || error.cause instanceof MalformedScsiData;
}

const actionNames: Readonly<Record<number, string>> = {
  [PR_OUT.REGISTER_AND_IGNORE_EXISTING_KEY]: 'register',
  [PR_OUT.RESERVE]: 'reserve',
  [PR_OUT.PREEMPT]: 'preempt',
  [PR_OUT.PREEMPT_AND_ABORT]: 'preempt and abort',
};

function whatOf(offsetBytes: number, bytes: Uint8Array): string {
  return `write of ${bytes.length} bytes at ${offsetBytes}`;
}
