import { Framing } from '../framing.ts';
import { BHS_BYTES, DIGEST_BYTES, aPdu } from './constants.ts';
import { u24 } from './header-fields.ts';
import { digestOf, type Digests, noDigests, paddingOf, RawPdu } from './pdu.ts';

/** Why no PDU can be told from these bytes, and none after them: at ErrorRecoveryLevel 0 the connection is over. */
export interface Unframeable {
  kind: 'too-large' | 'header-digest' | 'data-digest';
  /** One line for people, without the name of the peer. */
  text: string;
}

const nothing = new Uint8Array(0);

/**
 * Bytes of one direction of a connection, cut anyhow, as whole PDUs. It holds no more than one PDU with the longest data
 * segment that is let in and what came behind it in the same chunk. A segment of one chunk is given out as a view of it.
 */
export class PduFraming {
  readonly #input = new Framing();
  #digests: Digests = noDigests;
  #maxDataBytes: number;
  #header: Uint8Array | undefined;
  #middle: Uint8Array | undefined;
  #problem: Unframeable | undefined;

  /** `maxDataBytes`: the longest data segment that is let in. */
  constructor(maxDataBytes: number) {
    this.#maxDataBytes = maxDataBytes;
  }

  /** Bytes that came in and were not given out. */
  get heldBytes(): number {
    return this.#input.available + (this.#header?.length ?? 0) + (this.#middle?.length ?? 0);
  }

  /** What was negotiated: it holds from the PDU on that is taken next. */
  agree(digests: Digests, maxDataBytes: number): void {
    this.#digests = digests;
    this.#maxDataBytes = maxDataBytes;
  }

  /** Takes over a chunk: the caller does not change its bytes afterwards. */
  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  /** The next PDU, its digests checked; undefined while it is not complete. After a problem there is no other answer. */
  take(): RawPdu | Unframeable | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const taken = this.#take();
    if (taken !== undefined && !(taken instanceof RawPdu)) this.#problem = taken;
    return taken;
  }

  #take(): RawPdu | Unframeable | undefined {
    const header = (this.#header ??= this.#input.take(BHS_BYTES));
    if (header === undefined) return undefined;
    const ahsBytes = header[4]! * 4;
    const dataBytes = u24(header, 5);
    if (this.#middle === undefined) {
      // The digest first: a length that was damaged on its way would be blamed on the peer.
      const middle = this.#takeMiddle(header, ahsBytes);
      if (!(middle instanceof Uint8Array)) return middle;
      if (dataBytes > this.#maxDataBytes) return tooLarge(header, dataBytes, this.#maxDataBytes);
      this.#middle = middle;
    }
    const tail = this.#takeTail(header, dataBytes);
    if (!(tail instanceof Uint8Array)) return tail;
    const pdu = new RawPdu(header, this.#middle, ahsBytes, tail, dataBytes);
    this.#header = this.#middle = undefined;
    return pdu;
  }

  #takeMiddle(header: Uint8Array, ahsBytes: number): Uint8Array | Unframeable | undefined {
    const digest = this.#digests.header;
    if (ahsBytes === 0 && !digest) return nothing;
    const middle = this.#input.take(ahsBytes + (digest ? DIGEST_BYTES : 0));
    if (middle === undefined || !digest) return middle;
    const is = middle.subarray(ahsBytes);
    const due = digestOf(header, middle.subarray(0, ahsBytes));
    if (same(is, due)) return middle;
    // What the header says cannot be trusted, its opcode included.
    return {
      kind: 'header-digest',
      text: `a PDU with the header digest ${hex(is)}, its CRC32C is ${hex(due)}`,
    };
  }

  #takeTail(header: Uint8Array, dataBytes: number): Uint8Array | Unframeable | undefined {
    if (dataBytes === 0) return nothing;
    const padded = dataBytes + paddingOf(dataBytes);
    const digest = this.#digests.data;
    const tail = this.#input.take(padded + (digest ? DIGEST_BYTES : 0));
    if (tail === undefined || !digest) return tail;
    const is = tail.subarray(padded);
    const due = digestOf(tail.subarray(0, padded));
    if (same(is, due)) return tail;
    const what = `${aPdu(header[0]! & 0x3f)} with the data digest ${hex(is)}`;
    return { kind: 'data-digest', text: `${what}, the CRC32C of its ${dataBytes} bytes is ${hex(due)}` };
  }
}

function tooLarge(header: Uint8Array, dataBytes: number, maxDataBytes: number): Unframeable {
  const what = `a data segment of ${dataBytes} bytes in ${aPdu(header[0]! & 0x3f)}`;
  return { kind: 'too-large', text: `${what}; at most ${maxDataBytes} are taken` };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at]);
}

/** In the order of the wire. */
function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
