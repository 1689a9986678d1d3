import { crc32c } from '../bytes/crc32c.ts';
import { Reader, Writer } from '../bytes/cursor.ts';
import type { Reading } from '../protocol/types.ts';
import { isSectorBytes } from './layout.ts';

/**
 * The frame every block of the quorum area has, big-endian, one logical sector:
 *
 *    0   8  magic: `ARBITER` and the kind's letter: H header, R record, N node slot (two bits apart at least)
 *    8   4  version
 *   12   4  sector size: the length of this block
 *   16  16  cluster id
 *   32   8  wall clock of the writer, milliseconds since 1970, 0 when it did not say. For people; no decision reads it
 *   40   …  the kind's own fields, then zeros
 *   -4   4  CRC32C of everything before it
 *
 * Every later version keeps the first 32 bytes and the CRC where they are; so a block whose CRC is right can be
 * believed when it says that a newer version wrote it, and one whose CRC is wrong is torn or corrupt, never new.
 */
export const VERSION = 1;
const FIELDS_OFFSET = 40;
const MAGIC_LENGTH = 8;
const CRC_LENGTH = 4;

export type BlockKind = 'header' | 'record' | 'slot';
const MAGIC: Readonly<Record<BlockKind, string>> = {
  header: 'ARBITERH',
  record: 'ARBITERR',
  slot: 'ARBITERN',
};
const CALLED: Readonly<Record<BlockKind, string>> = {
  header: 'a header',
  record: 'an ownership record',
  slot: 'a node slot',
};

/** What a block is written with beside its own fields. */
export interface Framing {
  /** 32 hex digits. */
  clusterId: string;
  sectorBytes: number;
  /** Wall clock of the writer in milliseconds since 1970; for people. */
  wallMs?: number;
}

/** A field that no version of this program writes. Stays inside this folder: a reading says `damaged`. */
export class InvalidField extends Error {
  override readonly name = 'InvalidField';
}

/** One sector: the frame, the fields that `putFields` writes, zeros, and the CRC. */
export function encodeBlock(
  kind: BlockKind,
  framing: Framing,
  putFields: (fields: Writer) => void,
): Uint8Array {
  if (!isSectorBytes(framing.sectorBytes)) throw new RangeError(`sector size ${framing.sectorBytes}`);
  const sector = new Uint8Array(framing.sectorBytes);
  new Writer(sector)
    .bytes(Buffer.from(MAGIC[kind], 'latin1'))
    .u32(VERSION)
    .u32(framing.sectorBytes)
    .bytes(hexBytes(framing.clusterId))
    // The field is unsigned: a clock that was never set may stand before 1970.
    .u64(Math.max(0, framing.wallMs ?? 0));
  putFields(new Writer(sector.subarray(FIELDS_OFFSET, -CRC_LENGTH)));
  sealBlock(sector);
  return sector;
}

/** Puts the CRC of everything before it into the last four bytes. */
export function sealBlock(sector: Uint8Array): void {
  const end = sector.length - CRC_LENGTH;
  new Writer(sector.subarray(end)).u32(crc32c(sector.subarray(0, end)));
}

/**
 * Reads one sector. Never throws for what the bytes are: all zero is `null`; anything but a whole, unharmed block of
 * this kind, version and cluster is `damaged` and `why` names it. With `clusterId` undefined any cluster will do.
 */
export function decodeBlock<T>(
  kind: BlockKind,
  sector: Uint8Array,
  clusterId: string | undefined,
  takeFields: (fields: Reader) => T,
): Reading<T> {
  const bytes = rawOf(sector);
  if (isZero(sector)) return { kind: 'null', bytes };
  const why = harmOf(kind, sector, clusterId);
  if (why !== undefined) return { kind: 'damaged', why, bytes };
  try {
    const fields = new Reader(sector.subarray(FIELDS_OFFSET, -CRC_LENGTH));
    const value = takeFields(fields);
    const paddingAt = FIELDS_OFFSET + fields.offset;
    if (!isZero(fields.bytes(fields.remaining)))
      throw new InvalidField(`bytes after ${paddingAt} that should be zero`);
    return { kind: 'valid', value, bytes };
  } catch (error) {
    if (!(error instanceof InvalidField)) throw error;
    return { kind: 'damaged', why: `invalid ${kind}: ${error.message}`, bytes };
  }
}

/** What the frame of a block says, whatever its state: for `dump` and for messages, never for a decision. */
export interface Frame {
  magic: string;
  version: number;
  sectorBytes: number;
  clusterId: string;
  /** 0 when the writer did not say. */
  wallMs: number;
  crc: number;
  computedCrc: number;
}

export function frameOf(sector: Uint8Array): Frame {
  const reader = new Reader(sector);
  const magic = Buffer.from(reader.bytes(MAGIC_LENGTH)).toString('latin1');
  const version = reader.u32();
  const sectorBytes = reader.u32();
  const clusterId = Buffer.from(reader.bytes(16)).toString('hex');
  const wallMs = Number(reader.u64());
  const end = sector.length - CRC_LENGTH;
  const crc = new Reader(sector.subarray(end)).u32();
  return {
    magic,
    version,
    sectorBytes,
    clusterId,
    wallMs,
    crc,
    computedCrc: crc32c(sector.subarray(0, end)),
  };
}

/** True when `bytes` begin like a block of any kind and version, whole or not. */
export function isArbiterBlock(bytes: Uint8Array): boolean {
  return kindOf(rawOf(bytes.subarray(0, MAGIC_LENGTH))) !== undefined;
}

function kindOf(magic: string): BlockKind | undefined {
  return (Object.keys(MAGIC) as BlockKind[]).find((kind) => MAGIC[kind] === magic);
}

/** The whole sector as a latin1 string: equal strings, equal sectors. */
function rawOf(sector: Uint8Array): string {
  return Buffer.from(sector.buffer, sector.byteOffset, sector.length).toString('latin1');
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function harmOf(kind: BlockKind, sector: Uint8Array, clusterId: string | undefined): string | undefined {
  const frame = frameOf(sector);
  const found = kindOf(frame.magic);
  if (found === undefined) return 'not an arbiter block: its first 8 bytes are not the magic of one';
  if (frame.crc !== frame.computedCrc) {
    return `torn or corrupt: CRC32C ${hex32(frame.crc)}, computed ${hex32(frame.computedCrc)}`;
  }
  if (frame.version > VERSION)
    return `written by a newer version ${frame.version}; this program knows ${VERSION}`;
  if (frame.version < 1) return `invalid ${kind}: version ${frame.version}`;
  if (found !== kind) return `${CALLED[found]} stands where ${CALLED[kind]} should`;
  if (frame.sectorBytes !== sector.length) {
    return `a block of ${frame.sectorBytes} bytes in a sector of ${sector.length}`;
  }
  if (clusterId !== undefined && frame.clusterId !== clusterId) {
    return `belongs to cluster ${frame.clusterId}, not ${clusterId}`;
  }
  return undefined;
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** 32 hex digits as 16 bytes. */
export function hexBytes(hex: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new RangeError(`not 32 hex digits: '${hex}'`);
  return Buffer.from(hex, 'hex');
}
