import { Framing } from '../framing.ts';
import { BHS_BYTES, DIGEST_BYTES, aPdu } from './constants.ts';
import { u24, u32 } from './header-fields.ts';
import { digestOf, type Digests, noDigests, paddingOf, RawPdu } from './pdu.ts';

/** Why no PDU can be told from these bytes, and none after them: at ErrorRecoveryLevel 0 the connection is over. */
export interface Unframeable {
  kind: 'too-large' | 'header-digest' | 'data-digest';
  /** One line for people, without the name of the peer. */
  text: string;
}

/** Memory for the data segment of the PDU with this header, of just its length; undefined where it is to be kept here. */
type Place = (header: Uint8Array, dataBytes: number) => Uint8Array | undefined;

/** A data segment that is copied where it belongs as it comes. */
interface Placed {
  segment: Uint8Array;
  filledBytes: number;
  /** It belongs nowhere any more, and is in memory of this framing. */
  isMoved: boolean;
}

const nothing = new Uint8Array(0);

/**
 * Bytes of one direction of a connection, cut anyhow, as whole PDUs. It holds no more than one PDU with the longest data
 * segment that is let in and what came behind it in the same chunk. A segment of one chunk is given out as a view of it;
 * one that has a place of its own, as that.
 */
export class PduFraming {
  readonly #input = new Framing();
  readonly #place: Place | undefined;
  #digests: Digests = noDigests;
  #maxDataBytes: number;
  #header: Uint8Array | undefined;
  #middle: Uint8Array | undefined;
  #placed: Placed | undefined;
  #problem: Unframeable | undefined;

  /** `maxDataBytes`: the longest data segment that is let in. `place` is asked of every one that is let in. */
  constructor(maxDataBytes: number, place?: Place) {
    this.#maxDataBytes = maxDataBytes;
    this.#place = place;
  }

  /** Bytes that came in and were not given out, nor put in their place. */
  get heldBytes(): number {
    const header = this.#header?.length ?? 0;
    const moved = this.#placed?.isMoved === true ? this.#placed.filledBytes : 0;
    return this.#input.available + header + (this.#middle?.length ?? 0) + moved;
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

  /** What is not taken yet is copied: the chunk that was pushed last may be changed. */
  keep(): void {
    this.#input.keep();
    this.#header &&= this.#header.slice();
    this.#middle &&= this.#middle.slice();
  }

  /** Nothing more of the PDU with this Initiator Task Tag is put into the memory there was for it. */
  leaveAlone(tag: number): void {
    const placed = this.#placed;
    if (placed === undefined || placed.isMoved || u32(this.#header!, 16) !== tag) return;
    this.#placed = { ...placed, segment: placed.segment.slice(), isMoved: true };
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
    this.#header = this.#middle = this.#placed = undefined;
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
    const placed = (this.#placed ??= this.#placeOf(header, dataBytes));
    if (placed !== undefined) return this.#takePlaced(header, placed);
    const padded = dataBytes + paddingOf(dataBytes);
    const digest = this.#digests.data;
    const tail = this.#input.take(padded + (digest ? DIGEST_BYTES : 0));
    if (tail === undefined || !digest) return tail;
    const problem = digestProblem(
      header,
      dataBytes,
      tail.subarray(padded),
      digestOf(tail.subarray(0, padded)),
    );
    return problem ?? tail;
  }

  #placeOf(header: Uint8Array, dataBytes: number): Placed | undefined {
    const segment = this.#place?.(header, dataBytes);
    return segment && { segment, filledBytes: 0, isMoved: false };
  }

  /** Without its padding: nobody passes on what has a place here. */
  #takePlaced(header: Uint8Array, placed: Placed): Uint8Array | Unframeable | undefined {
    const { segment } = placed;
    placed.filledBytes += this.#input.takeInto(segment.subarray(placed.filledBytes));
    if (placed.filledBytes < segment.length) return undefined;
    const paddingBytes = paddingOf(segment.length);
    const digest = this.#digests.data;
    const rest = this.#input.take(paddingBytes + (digest ? DIGEST_BYTES : 0));
    if (rest === undefined || !digest) return rest && segment;
    const due = digestOf(segment, rest.subarray(0, paddingBytes));
    return digestProblem(header, segment.length, rest.subarray(paddingBytes), due) ?? segment;
  }
}

function digestProblem(
  header: Uint8Array,
  dataBytes: number,
  is: Uint8Array,
  due: Uint8Array,
): Unframeable | undefined {
  if (same(is, due)) return undefined;
  const what = `${aPdu(header[0]! & 0x3f)} with the data digest ${hex(is)}`;
  return { kind: 'data-digest', text: `${what}, the CRC32C of its ${dataBytes} bytes is ${hex(due)}` };
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
