import { type BlockDevice, RequestFailed } from '../ports/block-device.ts';

/** A storage in memory that tells what was asked of it, and fails on demand. */
export class MemoryDevice implements BlockDevice {
  readonly name = 'memory';
  readonly bytes: Uint8Array;
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  /** Every write that was made: `OFFSET+LENGTH`. */
  readonly written: string[] = [];
  /** Thrown by the next requests of that kind, in turn. */
  readonly failures: { read: Error[]; write: Error[] } = { read: [], write: [] };

  constructor(content: number | Uint8Array, { sectorBytes = 512, readOnly = false } = {}) {
    this.bytes = typeof content === 'number' ? new Uint8Array(content) : content;
    this.sectorBytes = sectorBytes;
    this.readOnly = readOnly;
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const failure = this.failures.read.shift();
    if (failure !== undefined) throw failure;
    this.#check(offsetBytes, lengthBytes);
    return this.bytes.slice(offsetBytes, offsetBytes + lengthBytes);
  }

  async writeDurably(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const failure = this.failures.write.shift();
    if (failure !== undefined) throw failure;
    this.#check(offsetBytes, bytes.length);
    this.written.push(`${offsetBytes}+${bytes.length}`);
    this.bytes.set(bytes, offsetBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #check(offsetBytes: number, lengthBytes: number): void {
    const aligned = offsetBytes % this.sectorBytes === 0 && lengthBytes % this.sectorBytes === 0;
    if (!aligned || lengthBytes === 0 || offsetBytes + lengthBytes > this.sizeBytes)
      throw new RequestFailed(`memory: ${offsetBytes}+${lengthBytes}`, 'EINVAL', { effect: 'none' });
  }
}
