import { Writer } from '../../bytes/cursor.ts';
import { OPERATION } from './operation.ts';
import { MalformedScsiData, readData, type ScsiRequest } from './request.ts';

/** SERVICE ACTION IN (16) with this is READ CAPACITY (16) (SBC-3, 5.16). */
const readCapacityAction = 0x10;
const longBytes = 32;
const shortBytes = 8;

export interface Capacity {
  blocks: number;
  blockBytes: number;
  /** What the medium writes as a whole: `blockBytes` or a multiple. */
  physicalBlockBytes: number;
  /** Blocks are allocated when they are written (LBPME). */
  thin: boolean;
}

/** SBC-3, 5.16. */
export function readCapacity16(): ScsiRequest {
  const cdb = new Uint8Array(16);
  new Writer(cdb).u8(OPERATION.SERVICE_ACTION_IN_16).u8(readCapacityAction).skip(8).u32(longBytes);
  return { cdb, dataInBytes: longBytes };
}

/** SBC-3, 5.15: for units that do not know the longer one. */
export function readCapacity10(): ScsiRequest {
  const cdb = new Uint8Array(10);
  cdb[0] = OPERATION.READ_CAPACITY_10;
  return { cdb, dataInBytes: shortBytes };
}

export function parseCapacity16(data: Uint8Array): Capacity {
  return readData('READ CAPACITY(16)', data, (reader) => {
    const blocks = reader.u64() + 1n;
    const blockBytes = reader.u32();
    reader.skip(1);
    const exponent = reader.u8() & 0x0f;
    const thin = (reader.u8() & 0x80) !== 0;
    return capacity('READ CAPACITY(16)', blocks, blockBytes, exponent, thin);
  });
}

/** The last block of a unit that is too large for this command is FFFFFFFFh: it must be asked by the longer one. */
export function parseCapacity10(data: Uint8Array): Capacity {
  return readData('READ CAPACITY(10)', data, (reader) => {
    const last = reader.u32();
    if (last === 0xffff_ffff)
      throw new MalformedScsiData('READ CAPACITY(10) returned that the unit is too large for it');
    return capacity('READ CAPACITY(10)', BigInt(last) + 1n, reader.u32(), 0, false);
  });
}

/** A size is a number of bytes here: what no number holds exactly is no disk. */
function capacity(
  what: string,
  blocks: bigint,
  blockBytes: number,
  exponent: number,
  thin: boolean,
): Capacity {
  if (blockBytes < 1 || blocks * BigInt(blockBytes) > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new MalformedScsiData(`${what} returned ${blocks} blocks of ${blockBytes} bytes`);
  }
  return { blocks: Number(blocks), blockBytes, physicalBlockBytes: blockBytes * 2 ** exponent, thin };
}
