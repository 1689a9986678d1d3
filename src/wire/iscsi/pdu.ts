import { crc32c } from '../../bytes/crc32c.ts';
import { DIGEST_BYTES } from './constants.ts';

/** One PDU as it came, whatever it is (RFC 7143, section 11.2): `header` is the Basic Header Segment. */
export class RawPdu {
  readonly header: Uint8Array;
  /** The additional header segments, with their padding; empty in nearly all. */
  readonly ahs: Uint8Array;
  /** The data segment without its padding. */
  readonly data: Uint8Array;
  /** What is on the wire between header and data, and from the data on. */
  readonly #middle: Uint8Array;
  readonly #tail: Uint8Array;

  constructor(header: Uint8Array, middle: Uint8Array, ahsBytes: number, tail: Uint8Array, dataBytes: number) {
    this.header = header;
    this.#middle = middle;
    this.#tail = tail;
    this.ahs = ahsBytes === middle.length ? middle : middle.subarray(0, ahsBytes);
    this.data = dataBytes === tail.length ? tail : tail.subarray(0, dataBytes);
  }

  get opcode(): number {
    return this.header[0]! & 0x3f;
  }

  /** All its bytes with padding and digests, exactly as they came, for whoever passes it on. */
  get pieces(): readonly Uint8Array[] {
    return [this.header, this.#middle, this.#tail].filter(({ length }) => length > 0);
  }
}

/** Which digests are on (section 13.1). */
export interface Digests {
  header: boolean;
  data: boolean;
}

/** During a login there are none. */
export const noDigests: Digests = { header: false, data: false };

const nothing = new Uint8Array(0);

/** A digest as it is on the wire: the only little-endian number there is (section 13.1; RFC 7143, appendix A.4). */
export function digestOf(first: Uint8Array, second: Uint8Array = nothing): Uint8Array {
  const crc = crc32c(second, crc32c(first));
  return Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24);
}

/** Zeroes behind a segment, up to the next multiple of four bytes. */
export function paddingOf(lengthBytes: number): number {
  return -lengthBytes & 3;
}

/**
 * A header and the data segment whose length it tells, as the pieces to send. The data is not copied: it is not to be
 * changed before it was sent.
 */
export function sealed(header: Uint8Array, data: Uint8Array, digests: Digests): Uint8Array[] {
  const pieces = [header];
  if (digests.header) pieces.push(digestOf(header));
  if (data.length === 0) return pieces;
  pieces.push(data);
  const padding = paddingOf(data.length);
  if (padding > 0 || digests.data) {
    const tail = new Uint8Array(padding + (digests.data ? DIGEST_BYTES : 0));
    if (digests.data) tail.set(digestOf(data, tail.subarray(0, padding)), padding);
    pieces.push(tail);
  }
  return pieces;
}
