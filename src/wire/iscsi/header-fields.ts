import { BHS_BYTES } from './constants.ts';

/**
 * Fields of a header by their place. The header is as long as it has to be when this is called; these are on the path of
 * every command, and have no checks of their own.
 */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function u24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

export function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function putU24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** A logical unit number; its eight bytes where it is of another form than those of one level (SAM-5, section 4.7). */
export type Lun = number | Uint8Array;

const lunAt = 8;
/** The largest number that flat space addressing has room for. */
const largestLun = 0x3fff;
const flatSpace = 0x40;

/** The LUN of a header: peripheral device addressing on bus 0, or flat space addressing, is a number. */
export function getLun(header: Uint8Array): Lun {
  const first = header[lunAt]!;
  const method = first & 0xc0;
  const oneLevel = u16(header, lunAt + 2) === 0 && u32(header, lunAt + 4) === 0;
  if (oneLevel && first === 0) return header[lunAt + 1]!;
  if (oneLevel && method === flatSpace) return u16(header, lunAt) & largestLun;
  return header.slice(lunAt, lunAt + 8);
}

/** Throws RangeError for a number that a LUN of one level has no room for. */
export function putLun(header: Uint8Array, lun: Lun): void {
  if (typeof lun !== 'number') {
    header.set(lun, lunAt);
    return;
  }
  if (!Number.isInteger(lun) || lun < 0 || lun > largestLun)
    throw new RangeError(`LUN ${lun} is none of 0 to ${largestLun}`);
  if (lun > 0xff) putU16(header, lunAt, (flatSpace << 8) | lun);
  else header[lunAt + 1] = lun;
}

/** A header with nothing in it but what every one has: opcode, flags, length of the data segment. */
export function newHeader(opcode: number, flags: number, dataBytes: number): Uint8Array {
  const header = new Uint8Array(BHS_BYTES);
  header[0] = opcode;
  header[1] = flags;
  putU24(header, 5, dataBytes);
  return header;
}
