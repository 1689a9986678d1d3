import { type BlockDevice, DeviceUnusable, OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { MalformedScsiData } from '../../wire/scsi/request.ts';
import { Backlog } from '../backlog.ts';
import { type Extent, rangeProblem } from '../range.ts';
import { Reconnector } from '../reconnect.ts';
import { formatIscsiUri } from '../uri-iscsi.ts';
import type { IscsiTarget } from './login.ts';
import type { UnitInfo } from './unit-info.ts';
import { IscsiUnit } from './unit.ts';
import { otherUnit } from './same-unit.ts';

interface Attached {
  unit: IscsiUnit;
  info: UnitInfo;
  identity: string;
  readonly usable: boolean;
  close(): Promise<void>;
}

interface Request {
  /** For messages: `write of 512 bytes at 4096`. */
  what: string;
  offsetBytes: number;
  lengthBytes: number;
  isWrite: boolean;
}

/**
 * A logical unit of an iSCSI target as a block device. A lost session is made anew, under an ISID never used before, by
 * the next request, within that request's deadline; no write is ever issued twice. A request that found no session was
 * never sent: it fails with `RequestFailed` code ENOTCONN, a write too, and has no effect. So does one too many, with code
 * EBUSY. A session that leads to another unit than the first one did is none. What a unit answers but GOOD is a `RequestFailed` with the status or sense as its code: RESERVATION CONFLICT is
 * final; a read that is told UNIT ATTENTION instead of being carried out is asked for once more, a write is not.
 */
export class IscsiBlockDevice implements BlockDevice {
  readonly name: string;
  readonly #sessions: Reconnector<Attached>;
  readonly #backlog = new Backlog();

  /** Connects, logs in and asks the unit what it is, within `deadlineMs`. Rejects as `IscsiSession.open` does. */
  static async open(target: IscsiTarget, deadlineMs: number): Promise<IscsiBlockDevice> {
    return new IscsiBlockDevice(target, await attach(target, deadlineMs));
  }

  private constructor(target: IscsiTarget, first: Attached) {
    this.name = formatIscsiUri(target.address);
    this.#sessions = new Reconnector(first, this.name, (deadlineMs) =>
      attach(target, deadlineMs, first.identity),
    );
  }

  /** As the unit said when it was last connected to; so are the properties below. */
  get sizeBytes(): number {
    return this.#info.blocks * this.#info.blockBytes;
  }

  /** A logical block, but 512 at least: no disk writes less as a whole. */
  get sectorBytes(): number {
    return Math.max(512, this.#info.blockBytes);
  }

  get readOnly(): boolean {
    return this.#info.writeProtected;
  }

  /** How writes are made durable: `flush` takes a second command after each. */
  get durability(): UnitInfo['durability'] {
    return this.#info.durability;
  }

  /** `into`: as many bytes of the caller's, which are returned then; until it is settled they are not his. */
  async read(
    offsetBytes: number,
    lengthBytes: number,
    deadlineMs: number,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    const what = `read of ${lengthBytes} bytes at ${offsetBytes}`;
    const request = { what, offsetBytes, lengthBytes, isWrite: false };
    return this.#carryOut(request, deadlineMs, ({ unit, info }, untilMs) =>
      onceMoreAfterAttention(() =>
        unit.read(info, offsetBytes, lengthBytes, untilMs - performance.now(), into),
      ),
    );
  }

  async writeDurably(offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void> {
    const what = `write of ${bytes.length} bytes at ${offsetBytes}`;
    const request = { what, offsetBytes, lengthBytes: bytes.length, isWrite: true };
    await this.#carryOut(request, deadlineMs, ({ unit, info }, untilMs) =>
      unit.writeDurably(info, offsetBytes, bytes, untilMs - performance.now()),
    );
  }

  /** Requests in flight are settled first, each by its deadline. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#sessions.close();
  }

  get #info(): UnitInfo {
    return this.#sessions.latest.info;
  }

  /** Where there is room for it, on a session with a unit that takes it. */
  async #carryOut<T>(
    request: Request,
    deadlineMs: number,
    act: (attached: Attached, untilMs: number) => Promise<T>,
  ): Promise<T> {
    const untilMs = performance.now() + deadlineMs;
    const full = this.#backlog.problem(request.lengthBytes);
    if (full !== undefined) throw this.#notSent(request, full, 'EBUSY');
    this.#backlog.enter(request.lengthBytes);
    try {
      const attached = this.#sessions.usable ?? (await this.#attachedFor(request, untilMs));
      if (request.isWrite && attached.info.writeProtected) {
        throw this.#notSent(request, 'the unit is write-protected', 'EPERM');
      }
      const problem = rangeProblem(extentOf(attached.info), request.offsetBytes, request.lengthBytes);
      if (problem !== undefined) throw this.#notSent(request, problem, 'EINVAL');
      return await act(attached, untilMs);
    } finally {
      this.#backlog.leave(request.lengthBytes);
    }
  }

  async #attachedFor({ what }: Request, untilMs: number): Promise<Attached> {
    try {
      return await this.#sessions.connected(untilMs);
    } catch (cause) {
      const text = `${(cause as Error).message}; ${what} was not sent`;
      throw new RequestFailed(text, 'ENOTCONN', { cause, effect: 'none' });
    }
  }

  #notSent({ what }: Request, why: string, code: string): RequestFailed {
    return new RequestFailed(`${this.name}: ${what} was not sent: ${why}`, code, { effect: 'none' });
  }
}

/** Rejects with `DeviceUnusable`, and with `RequestFailed` code ENOTCONN when there is no session or no answer on it. */
async function attach(target: IscsiTarget, deadlineMs: number, knownAs = ''): Promise<Attached> {
  const untilMs = performance.now() + deadlineMs;
  const unit = await IscsiUnit.open(target, deadlineMs);
  try {
    const info = await unit.describe(untilMs - performance.now());
    const identity = await unit.identity(untilMs - performance.now());
    const other = otherUnit(knownAs, identity);
    if (other !== undefined) throw new DeviceUnusable(`${unit.name}: ${other}`);
    return {
      unit,
      info,
      identity,
      get usable() {
        return unit.session.usable;
      },
      close: () => unit.close(),
    };
  } catch (error) {
    void unit.close();
    throw unattached(unit.name, error);
  }
}

/** What comes of asking a unit what it is: it is no use, or it is none now. */
function unattached(name: string, error: unknown): unknown {
  if (error instanceof MalformedScsiData)
    return new DeviceUnusable(`${name}: ${error.message}`, undefined, { cause: error });
  if (error instanceof RequestFailed && error.code === 'RESERVATION CONFLICT') {
    const whose = 'somebody else holds a reservation, as on the data area of a cluster';
    return new RequestFailed(`${error.message}: ${whose}`, 'ENOTCONN', { cause: error });
  }
  if (error instanceof OutcomeUnknown || error instanceof RequestFailed) {
    return new RequestFailed(`${error.message}, before it was of use`, 'ENOTCONN', { cause: error });
  }
  return error;
}

async function onceMoreAfterAttention<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RequestFailed) || !error.code.startsWith('UNIT ATTENTION')) throw error;
    return ask();
  }
}

function extentOf({ blocks, blockBytes, maximumTransferBlocks }: UnitInfo): Extent {
  const maximumBytes = Math.floor(maximumTransferBlocks) * blockBytes;
  return { sizeBytes: blocks * blockBytes, alignmentBytes: blockBytes, maximumBytes };
}
