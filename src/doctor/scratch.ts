import { randomBytes } from 'node:crypto';
import { type BlockDevice, RequestFailed } from '../ports/block-device.ts';
import { DoctorRefuses } from './refusal.ts';

/** Bytes of a storage that somebody said may be overwritten. */
export interface ScratchRange {
  offsetBytes: number;
  lengthBytes: number;
}

/** Every sector written begins with it, so that what a killed doctor left behind is known again. */
const MARK = Buffer.from('arbiter doctor scratch\n');

/** Kept small: it is read whole, and zeroed by one write. */
const MOST_BYTES = 1024 * 1024;

/**
 * A range to measure writes in. It has to be all zero, or what an earlier doctor left, so that nothing in use is ever
 * written over, whatever range was named by mistake; and it is zero again at the end.
 */
export class Scratch {
  readonly range: ScratchRange;
  /** Of one write: one sector, as a record has. */
  readonly writeBytes: number;
  readonly #device: BlockDevice;
  readonly #deadlineMs: number;
  #next = 0;
  #last: { offsetBytes: number; bytes: Uint8Array } | undefined;
  #uncertain = false;
  #written = false;

  /**
   * Looks at the range and writes nothing yet. `reservedBytes` from the start are never written. Rejects with DoctorRefuses
   * when the range cannot be one, or when something is in it.
   */
  static async prepare(
    device: BlockDevice,
    range: ScratchRange,
    options: { writeBytes: number; reservedBytes: number; deadlineMs: number },
  ): Promise<Scratch> {
    const broken = rangeProblem(device, range, options);
    if (broken !== undefined)
      throw new DoctorRefuses(`${device.name}: --scratch ${shownRange(range)}: ${broken}`, 'usage');
    const { offsetBytes, lengthBytes } = range;
    const content = await device.read(offsetBytes, lengthBytes, options.deadlineMs);
    const used = firstInUse(content, options.writeBytes);
    if (used !== undefined) {
      const where = `byte ${offsetBytes + used} on is something`;
      const advice = 'a scratch range must be all zero; name another, or zero it yourself';
      throw new DoctorRefuses(
        `${device.name}: --scratch ${shownRange(range)}: from ${where}: ${advice}`,
        'storage',
      );
    }
    return new Scratch(device, range, options);
  }

  private constructor(
    device: BlockDevice,
    range: ScratchRange,
    options: { writeBytes: number; deadlineMs: number },
  ) {
    this.#device = device;
    this.range = range;
    this.writeBytes = options.writeBytes;
    this.#deadlineMs = options.deadlineMs;
  }

  /** Something may be in the range now that `restore` has to take out. */
  get dirty(): boolean {
    return this.#written;
  }

  /** A write failed or was not answered: it may still land, after the range was zeroed too. */
  get uncertain(): boolean {
    return this.#uncertain;
  }

  /** One durable write of a sector, with bytes that were never written before. Rejects as `writeDurably` does. */
  async write(): Promise<void> {
    const { offsetBytes, lengthBytes } = this.range;
    const bytes = Buffer.concat([MARK, randomBytes(this.writeBytes - MARK.length)]);
    const at = offsetBytes + this.#next;
    this.#next = (this.#next + this.writeBytes) % lengthBytes;
    this.#written = true;
    await this.#durably(at, bytes);
    this.#last = { offsetBytes: at, bytes };
  }

  /** Whether another client of the same storage reads what was acknowledged last. Undefined when nothing was. */
  async isSeenBy(other: BlockDevice): Promise<boolean | undefined> {
    if (this.#last === undefined) return undefined;
    const { offsetBytes, bytes } = this.#last;
    const found = await other.read(offsetBytes, bytes.length, this.#deadlineMs);
    return Buffer.from(bytes).equals(found);
  }

  /** Zeroes the range. Rejects as `writeDurably` does. */
  async restore(): Promise<void> {
    if (!this.#written) return;
    const zeroes = new Uint8Array(this.range.lengthBytes);
    await this.#durably(this.range.offsetBytes, zeroes);
    this.#written = false;
  }

  async #durably(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    try {
      await this.#device.writeDurably(offsetBytes, bytes, this.#deadlineMs);
    } catch (error) {
      const harmless = error instanceof RequestFailed && error.effect === 'none';
      if (!harmless) this.#uncertain = true;
      throw error;
    }
  }
}

export function shownRange({ offsetBytes, lengthBytes }: ScratchRange): string {
  return `${offsetBytes}+${lengthBytes}`;
}

function rangeProblem(
  device: BlockDevice,
  { offsetBytes, lengthBytes }: ScratchRange,
  { writeBytes, reservedBytes }: { writeBytes: number; reservedBytes: number },
): string | undefined {
  if (device.readOnly) return 'the storage is read-only';
  if (offsetBytes % writeBytes !== 0 || lengthBytes % writeBytes !== 0 || lengthBytes === 0)
    return `offset and length must be multiples of ${writeBytes}, the sector`;
  if (lengthBytes > MOST_BYTES) return `at most ${MOST_BYTES} bytes are needed`;
  if (offsetBytes + lengthBytes > device.sizeBytes) return `the storage has ${device.sizeBytes} bytes`;
  if (offsetBytes < reservedBytes)
    return `the first ${reservedBytes} bytes are a quorum area's, and never written by a doctor`;
  return undefined;
}

/** Where the first sector begins that is neither zero nor a doctor's; undefined when there is none. */
function firstInUse(content: Uint8Array, sectorBytes: number): number | undefined {
  for (let at = 0; at < content.length; at += sectorBytes) {
    const sector = content.subarray(at, at + sectorBytes);
    const ours = MARK.equals(sector.subarray(0, MARK.length));
    if (!ours && sector.some((byte) => byte !== 0)) return at;
  }
  return undefined;
}
