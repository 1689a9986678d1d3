import { crc32c } from '../../src/bytes/crc32c.ts';
import { Reader, Writer } from '../../src/bytes/cursor.ts';

/**
 * The ledger's log on the data area: one record per sector, sector n holds the record with sequence number n.
 *
 *    0  magic `ARBLEDG1`          16  epoch, u64              64  id, zero-padded
 *    8  kind, u8                  24  sequence number, u64   508  CRC32C of bytes 0..508
 *    9  length of id, u8          32  node, zero-padded
 *   10  length of node, u8
 *
 * Big-endian; what is not named is zero.
 */
export const RECORD_BYTES = 512;
export const MAX_ID_BYTES = 64;

const MAGIC = new TextEncoder().encode('ARBLEDG1');
const KINDS = ['append', 'beat', 'open'] as const;
const MAX_NODE_BYTES = 32;
const CRC_OFFSET = RECORD_BYTES - 4;

/** `append`: for a client. `beat`: the service writes by itself. `open`: a service began under this epoch. */
type RecordKind = (typeof KINDS)[number];

export interface LogRecord {
  kind: RecordKind;
  /** Set by the client, unique; '' in a beat or an open record. */
  id: string;
  epoch: number;
  node: string;
  /** Also the number of the sector it stands in. */
  seq: number;
}

export type SectorReading =
  | { kind: 'record'; record: LogRecord }
  | { kind: 'empty' }
  /** Not zero and not a whole record: torn, or never a record. */
  | { kind: 'damaged'; why: string };

/** Throws on what cannot be a record: an id or a node that is too long. */
export function encodeRecord(record: LogRecord): Uint8Array {
  const id = new TextEncoder().encode(record.id);
  const node = new TextEncoder().encode(record.node);
  if (id.length > MAX_ID_BYTES)
    throw new RangeError(`an id of ${id.length} bytes: at most ${MAX_ID_BYTES} fit`);
  if (node.length > MAX_NODE_BYTES)
    throw new RangeError(`a node of ${node.length} bytes: at most ${MAX_NODE_BYTES} fit`);
  const sector = new Uint8Array(RECORD_BYTES);
  const head = new Writer(sector)
    .bytes(MAGIC)
    .u8(KINDS.indexOf(record.kind) + 1)
    .u8(id.length)
    .u8(node.length);
  head
    .skip(5)
    .u64(record.epoch)
    .u64(record.seq)
    .bytes(node)
    .skip(MAX_NODE_BYTES - node.length)
    .bytes(id);
  new Writer(sector.subarray(CRC_OFFSET)).u32(crc32c(sector.subarray(0, CRC_OFFSET)));
  return sector;
}

export function decodeRecord(sector: Uint8Array): SectorReading {
  if (sector.every((byte) => byte === 0)) return { kind: 'empty' };
  if (!MAGIC.every((byte, i) => sector[i] === byte)) return { kind: 'damaged', why: 'no record begins here' };
  const crc = new Reader(sector.subarray(CRC_OFFSET)).u32();
  if (crc !== crc32c(sector.subarray(0, CRC_OFFSET)))
    return { kind: 'damaged', why: 'its checksum does not match' };
  const head = new Reader(sector);
  head.skip(MAGIC.length);
  const kind = KINDS[head.u8() - 1];
  const idBytes = head.u8();
  const nodeBytes = head.u8();
  head.skip(5);
  const epoch = Number(head.u64());
  const seq = Number(head.u64());
  if (kind === undefined || idBytes > MAX_ID_BYTES || nodeBytes > MAX_NODE_BYTES) {
    return { kind: 'damaged', why: 'its fields are out of range' };
  }
  const text = (offset: number, length: number) =>
    new TextDecoder().decode(sector.subarray(offset, offset + length));
  return { kind: 'record', record: { kind, id: text(64, idBytes), epoch, node: text(32, nodeBytes), seq } };
}

/** Why a scan ended. Only `empty` and `full` are the end of a log that nobody disturbed. */
export type ScanStop =
  | { at: number; why: 'empty' }
  | { at: number; why: 'full' }
  | { at: number; why: 'damaged'; detail: string }
  | { at: number; why: 'sequence'; found: LogRecord }
  | { at: number; why: 'epoch'; found: LogRecord };

/** Reads a log from its beginning, in pieces of whole sectors, up to the first sector that does not continue it. */
export class LogScan {
  readonly records: LogRecord[] = [];
  #stop: ScanStop | undefined;

  /** False once the log has ended: no more is needed. */
  feed(sectors: Uint8Array): boolean {
    for (
      let offset = 0;
      offset + RECORD_BYTES <= sectors.length && this.#stop === undefined;
      offset += RECORD_BYTES
    ) {
      this.#take(sectors.subarray(offset, offset + RECORD_BYTES));
    }
    return this.#stop === undefined;
  }

  /** `full` when everything that was fed belongs to the log. */
  get stop(): ScanStop {
    return this.#stop ?? { at: this.records.length, why: 'full' };
  }

  #take(sector: Uint8Array): void {
    const at = this.records.length;
    const reading = decodeRecord(sector);
    if (reading.kind === 'empty') this.#stop = { at, why: 'empty' };
    else if (reading.kind === 'damaged') this.#stop = { at, why: 'damaged', detail: reading.why };
    else if (reading.record.seq !== at) this.#stop = { at, why: 'sequence', found: reading.record };
    else if (reading.record.epoch < (this.records.at(-1)?.epoch ?? 0))
      this.#stop = { at, why: 'epoch', found: reading.record };
    else this.records.push(reading.record);
  }
}

/** The log of a whole image, and the records behind its end that once belonged to one (sectors in order). */
export function scanLog(image: Uint8Array): { records: LogRecord[]; stop: ScanStop; behind: LogRecord[] } {
  const scan = new LogScan();
  scan.feed(image);
  const behind: LogRecord[] = [];
  for (let at = scan.stop.at; (at + 1) * RECORD_BYTES <= image.length; at += 1) {
    const reading = decodeRecord(image.subarray(at * RECORD_BYTES, (at + 1) * RECORD_BYTES));
    if (reading.kind === 'record') behind.push(reading.record);
  }
  return { records: scan.records, stop: scan.stop, behind };
}
