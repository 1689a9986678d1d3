import { decodeLun, encodeLun } from '../scsi/lun.ts';
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

/** A logical unit number; its eight bytes where it has no plain number. */
export type Lun = number | Uint8Array;

const lunAt = 8;
const lunEnd = 16;

export function getLun(header: Uint8Array): Lun {
  const bytes = header.subarray(lunAt, lunEnd);
  return decodeLun(bytes) ?? bytes.slice();
}

export function putLun(header: Uint8Array, lun: Lun): void {
  header.set(typeof lun === 'number' ? encodeLun(lun) : lun, lunAt);
}

/** A header with nothing in it but what every one has: opcode, flags, length of the data segment. */
export function newHeader(opcode: number, flags: number, dataBytes: number): Uint8Array {
  const header = new Uint8Array(BHS_BYTES);
  header[0] = opcode;
  header[1] = flags;
  putU24(header, 5, dataBytes);
  return header;
}
