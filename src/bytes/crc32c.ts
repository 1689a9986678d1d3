/**
 * CRC32C (Castagnoli), as iSCSI (RFC 3720, section 12.1) and the quorum area use it: reflected polynomial
 * 0x82F63B78, start and final inversion. Eight bytes a step by eight tables (slice-by-8).
 */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;
const TABLES = buildTables();

/**
 * The CRC32C of `bytes` as an unsigned 32-bit number. `previous` is the CRC32C of what came before, so that a
 * message can be summed in pieces.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let crc = ~previous;
  let i = 0;
  for (const end = bytes.length - (bytes.length % SLICES); i < end; i += SLICES) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i += 1) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

type Table = Uint32Array;
type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table];

/** Table k holds the CRC of one byte followed by k zero bytes. */
function buildTables(): Tables {
  const tables = [Uint32Array.from({ length: 256 }, (_, byte) => crcOfByte(byte))];
  const first = tables[0]!;
  for (let k = 1; k < SLICES; k += 1) {
    tables.push(tables[k - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!));
  }
  return tables as unknown as Tables;
}

function crcOfByte(byte: number): number {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
}
