/** A read or write past the end of its bytes. Whoever meets it with bytes from a peer names the peer. */
export class OutOfBounds extends RangeError {
  override readonly name = 'OutOfBounds';
}

/**
 * Takes big-endian fields off a range of bytes, in order, and never reads past its end. Byte by byte rather than through a
 * DataView: for a handful of fields the view costs more than the fields.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    const bytes = this.#bytes;
    const at = this.#take(2);
    return (bytes[at]! << 8) | bytes[at + 1]!;
  }

  u32(): number {
    const bytes = this.#bytes;
    const at = this.#take(4);
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  u64(): bigint {
    const high = BigInt(this.u32());
    return (high << 32n) | BigInt(this.u32());
  }

  /** 64 bits as a number: exact up to 2^53, and what is larger stays larger. */
  roughU64(): number {
    const high = this.u32();
    return high * 0x1_0000_0000 + this.u32();
  }

  /** A view of the next `length` bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): number {
    return (this.#offset = advance('reading', this.#offset, length, this.#bytes.length)) - length;
  }
}

/** Puts big-endian fields into a range of bytes, in order, and never writes past its end. */
export class Writer {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes put so far. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(value: number): this {
    this.#bytes[this.#take(1)] = value;
    return this;
  }

  u16(value: number): this {
    const bytes = this.#bytes;
    const at = this.#take(2);
    bytes[at] = value >>> 8;
    bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const bytes = this.#bytes;
    const at = this.#take(4);
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    return this;
  }

  /** A number must be a safe integer; anything larger comes as a bigint. */
  u64(value: number | bigint): this {
    if (typeof value === 'bigint') {
      return this.u32(Number((value >> 32n) & 0xffff_ffffn)).u32(Number(value & 0xffff_ffffn));
    }
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no number of 64 bits`);
    return this.u32(Math.floor(value / 0x1_0000_0000)).u32(value);
  }

  bytes(source: Uint8Array): this {
    const start = this.#take(source.length);
    this.#bytes.set(source, start);
    return this;
  }

  /** Leaves the next `length` bytes as they are. */
  skip(length: number): this {
    this.#take(length);
    return this;
  }

  #take(length: number): number {
    return (this.#offset = advance('writing', this.#offset, length, this.#bytes.length)) - length;
  }
}

function advance(doing: string, offset: number, length: number, end: number): number {
  if (length < 0 || offset + length > end) {
    throw new OutOfBounds(`${doing} ${length} bytes at ${offset} of ${end}`);
  }
  return offset + length;
}
