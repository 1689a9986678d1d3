/** A read or write past the end of its bytes. Whoever meets it with bytes from a peer names the peer. */
export class OutOfBounds extends RangeError {
  override readonly name = 'OutOfBounds';
}

/** Takes big-endian fields off a range of bytes, in order, and never reads past its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
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
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes put so far. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(value: number): this {
    this.#view.setUint8(this.#take(1), value);
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#take(2), value);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#take(4), value);
    return this;
  }

  /** A number must be a safe integer; anything larger comes as a bigint. */
  u64(value: number | bigint): this {
    this.#view.setBigUint64(this.#take(8), BigInt(value));
    return this;
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
