import { Writer } from '../../bytes/cursor.ts';
import { OPERATION } from './operation.ts';
import type { ScsiRequest } from './request.ts';

const fuaBit = 0x08;

/** SPC-4, 6.47. */
export function testUnitReady(): ScsiRequest {
  return { cdb: new Uint8Array(6) };
}

/** SBC-3, 5.13. `fua`: from the medium, past a cache that would lose its contents. */
export function read16(lba: number, blocks: number, blockBytes: number, { fua = false } = {}): ScsiRequest {
  return { cdb: cdb16(OPERATION.READ_16, fua, lba, blocks), dataInBytes: blocks * blockBytes };
}

/** SBC-3, 5.34. `fua`: answered when the blocks are on the medium. `data` is whole blocks. */
export function write16(
  lba: number,
  data: Uint8Array,
  blockBytes: number,
  { fua = false } = {},
): ScsiRequest {
  return { cdb: cdb16(OPERATION.WRITE_16, fua, lba, data.length / blockBytes), dataOut: data };
}

/** SBC-3, 5.23. All blocks; answered when they are on the medium (IMMED is 0). */
export function synchronizeCache16(): ScsiRequest {
  return { cdb: cdb16(OPERATION.SYNCHRONIZE_CACHE_16, false, 0, 0) };
}

/**
 * SBC-3, 5.2: writes `data` if what is there is `expected`, as one; otherwise CHECK CONDITION with MISCOMPARE, and the
 * offset of the first difference in its information. Both are the same number of whole blocks, 255 at most.
 */
export function compareAndWrite(
  lba: number,
  expected: Uint8Array,
  data: Uint8Array,
  blockBytes: number,
  { fua = false } = {},
): ScsiRequest {
  const cdb = new Uint8Array(16);
  new Writer(cdb)
    .u8(OPERATION.COMPARE_AND_WRITE)
    .u8(fua ? fuaBit : 0)
    .u64(lba)
    .skip(3)
    .u8(data.length / blockBytes);
  const dataOut = new Uint8Array(expected.length + data.length);
  dataOut.set(expected);
  dataOut.set(data, expected.length);
  return { cdb, dataOut };
}

function cdb16(operation: number, fua: boolean, lba: number, blocks: number): Uint8Array {
  const cdb = new Uint8Array(16);
  new Writer(cdb)
    .u8(operation)
    .u8(fua ? fuaBit : 0)
    .u64(lba)
    .u32(blocks);
  return cdb;
}
