import { Reader } from '../../bytes/cursor.ts';
import { OPERATION, operationName } from './operation.ts';

/** What a command means to somebody who looks on: a tap, an audit. */
export interface SeenCommand {
  /** `WRITE(16)`, for messages. */
  name: string;
  operation: number;
  /**
   * What it does to what is on the medium. `both`: reads it, and may change it (COMPARE AND WRITE). `unknown`: a command
   * nobody here knows, which may do anything. `nothing` includes SYNCHRONIZE CACHE: it changes no byte that is read.
   */
  medium: 'nothing' | 'reads' | 'writes' | 'both' | 'unknown';
  /** Of PERSISTENT RESERVE IN and OUT, MAINTENANCE IN and SERVICE ACTION IN. */
  serviceAction?: number;
  /** First block and how many; not where a command names them otherwise (UNMAP, FORMAT UNIT). 0 blocks of WRITE SAME and
   * SYNCHRONIZE CACHE are all from there on. An address beyond 2^53 is rounded: no disk is that large. */
  lba?: number;
  blocks?: number;
  /** It asks for the medium, past a volatile cache. */
  fua?: boolean;
}

type Medium = SeenCommand['medium'];

/** Commands with an address and a number of blocks at the place their length has them. */
const addressed: Readonly<Record<number, { medium: Medium; fua?: true; layout: 6 | 10 | 12 | 16 }>> = {
  [OPERATION.READ_6]: { medium: 'reads', layout: 6 },
  [OPERATION.WRITE_6]: { medium: 'writes', layout: 6 },
  [OPERATION.READ_10]: { medium: 'reads', fua: true, layout: 10 },
  [OPERATION.WRITE_10]: { medium: 'writes', fua: true, layout: 10 },
  [OPERATION.WRITE_AND_VERIFY_10]: { medium: 'writes', layout: 10 },
  [OPERATION.VERIFY_10]: { medium: 'reads', layout: 10 },
  [OPERATION.PRE_FETCH_10]: { medium: 'reads', layout: 10 },
  [OPERATION.SYNCHRONIZE_CACHE_10]: { medium: 'nothing', layout: 10 },
  [OPERATION.WRITE_SAME_10]: { medium: 'writes', layout: 10 },
  [OPERATION.XDWRITEREAD_10]: { medium: 'both', fua: true, layout: 10 },
  [OPERATION.READ_12]: { medium: 'reads', fua: true, layout: 12 },
  [OPERATION.WRITE_12]: { medium: 'writes', fua: true, layout: 12 },
  [OPERATION.WRITE_AND_VERIFY_12]: { medium: 'writes', layout: 12 },
  [OPERATION.VERIFY_12]: { medium: 'reads', layout: 12 },
  [OPERATION.READ_16]: { medium: 'reads', fua: true, layout: 16 },
  [OPERATION.WRITE_16]: { medium: 'writes', fua: true, layout: 16 },
  [OPERATION.ORWRITE_16]: { medium: 'both', fua: true, layout: 16 },
  [OPERATION.WRITE_AND_VERIFY_16]: { medium: 'writes', layout: 16 },
  [OPERATION.VERIFY_16]: { medium: 'reads', layout: 16 },
  [OPERATION.PRE_FETCH_16]: { medium: 'reads', layout: 16 },
  [OPERATION.SYNCHRONIZE_CACHE_16]: { medium: 'nothing', layout: 16 },
  [OPERATION.WRITE_SAME_16]: { medium: 'writes', layout: 16 },
};

/** The others that are known. */
const others: Readonly<Record<number, { medium: Medium; serviceAction?: true }>> = {
  [OPERATION.TEST_UNIT_READY]: { medium: 'nothing' },
  [OPERATION.REQUEST_SENSE]: { medium: 'nothing' },
  [OPERATION.FORMAT_UNIT]: { medium: 'writes' },
  [OPERATION.INQUIRY]: { medium: 'nothing' },
  [OPERATION.MODE_SELECT_6]: { medium: 'nothing' },
  [OPERATION.RESERVE_6]: { medium: 'nothing' },
  [OPERATION.RELEASE_6]: { medium: 'nothing' },
  [OPERATION.MODE_SENSE_6]: { medium: 'nothing' },
  [OPERATION.START_STOP_UNIT]: { medium: 'nothing' },
  [OPERATION.READ_CAPACITY_10]: { medium: 'nothing' },
  [OPERATION.UNMAP]: { medium: 'writes' },
  [OPERATION.SANITIZE]: { medium: 'writes', serviceAction: true },
  [OPERATION.MODE_SELECT_10]: { medium: 'nothing' },
  [OPERATION.RESERVE_10]: { medium: 'nothing' },
  [OPERATION.RELEASE_10]: { medium: 'nothing' },
  [OPERATION.MODE_SENSE_10]: { medium: 'nothing' },
  [OPERATION.PERSISTENT_RESERVE_IN]: { medium: 'nothing', serviceAction: true },
  [OPERATION.PERSISTENT_RESERVE_OUT]: { medium: 'nothing', serviceAction: true },
  [OPERATION.THIRD_PARTY_COPY_OUT]: { medium: 'both', serviceAction: true },
  [OPERATION.SERVICE_ACTION_IN_16]: { medium: 'nothing', serviceAction: true },
  [OPERATION.REPORT_LUNS]: { medium: 'nothing' },
  [OPERATION.MAINTENANCE_IN]: { medium: 'nothing', serviceAction: true },
};

/** READ, VERIFY, WRITE AND VERIFY, WRITE and WRITE SAME of the variable length form (SBC-3, table 13). */
const variableLength = new Map<number, { name: string; medium: Medium; fua?: true }>([
  [0x0009, { name: 'READ(32)', medium: 'reads', fua: true }],
  [0x000a, { name: 'VERIFY(32)', medium: 'reads' }],
  [0x000b, { name: 'WRITE(32)', medium: 'writes', fua: true }],
  [0x000c, { name: 'WRITE AND VERIFY(32)', medium: 'writes' }],
  [0x000d, { name: 'WRITE SAME(32)', medium: 'writes' }],
]);

/**
 * Reads a CDB somebody else sent; it may be longer than its command (iSCSI pads to 16 bytes). Undefined when it is shorter.
 * 5 bits of the second byte are the service action of those that have one.
 */
export function parseCdb(cdb: Uint8Array): SeenCommand | undefined {
  const operation = cdb[0];
  if (operation === undefined || cdb.length < lengthOf(operation)) return undefined;
  const name = operationName(operation);
  if (operation === OPERATION.VARIABLE_LENGTH) return variable(cdb);
  if (operation === OPERATION.COMPARE_AND_WRITE) {
    const { lba } = extentAt(cdb, 16);
    return { name, operation, medium: 'both', lba, blocks: cdb[13]!, fua: hasFua(cdb) };
  }
  if (operation === OPERATION.WRITE_ATOMIC_16) {
    const { lba } = extentAt(cdb, 16);
    return { name, operation, medium: 'writes', lba, blocks: (cdb[12]! << 8) | cdb[13]!, fua: hasFua(cdb) };
  }
  const where = addressed[operation];
  if (where !== undefined) {
    const extent = extentAt(cdb, where.layout);
    const { medium } = where;
    return { name, operation, medium, ...extent, ...(where.fua === true ? { fua: hasFua(cdb) } : {}) };
  }
  const other = others[operation] ?? { medium: 'unknown' };
  const action = other.serviceAction === true ? { serviceAction: cdb[1]! & 0x1f } : {};
  return { name, operation, medium: other.medium, ...action };
}

function hasFua(cdb: Uint8Array): boolean {
  return (cdb[1]! & 0x08) !== 0;
}

function extentAt(cdb: Uint8Array, layout: 6 | 10 | 12 | 16): { lba: number; blocks: number } {
  const reader = new Reader(cdb);
  reader.skip(layout === 6 ? 0 : 2);
  switch (layout) {
    case 6: {
      // SBC-3, 5.10: 21 bits of address, and a length of 0 is 256 blocks.
      const lba = reader.u32() & 0x1f_ffff;
      const length = reader.u8();
      return { lba, blocks: length === 0 ? 256 : length };
    }
    case 10: {
      const lba = reader.u32();
      reader.skip(1);
      return { lba, blocks: reader.u16() };
    }
    case 12:
      return { lba: reader.u32(), blocks: reader.u32() };
    default:
      return { lba: Number(reader.u64()), blocks: reader.u32() };
  }
}

/** SPC-4, 4.2.3: bytes 8 and 9 are the service action; SBC-3 has the address at 12 and the length at 28. */
function variable(cdb: Uint8Array): SeenCommand {
  const reader = new Reader(cdb);
  reader.skip(8);
  const serviceAction = reader.u16();
  const operation = OPERATION.VARIABLE_LENGTH;
  const known = variableLength.get(serviceAction);
  if (known === undefined)
    return { name: operationName(operation), operation, medium: 'unknown', serviceAction };
  const { name, medium } = known;
  if (cdb.length < 32) return { name, operation, medium, serviceAction };
  const fua = known.fua === true ? { fua: (cdb[10]! & 0x08) !== 0 } : {};
  reader.skip(2);
  const lba = Number(reader.u64());
  reader.skip(8);
  return { name, operation, medium, serviceAction, lba, blocks: reader.u32(), ...fua };
}

/** SPC-4, 4.2.5.1: the group code, the first three bits, says how long a CDB is. */
function lengthOf(operation: number): number {
  switch (operation >> 5) {
    case 0:
      return 6;
    case 1:
    case 2:
      return 10;
    case 4:
      return 16;
    case 5:
      return 12;
    default:
      // Group 3 has 7Fh, of a length of its own, and 7Eh; 6 and 7 are vendors' own.
      return operation === OPERATION.VARIABLE_LENGTH ? 10 : 1;
  }
}
