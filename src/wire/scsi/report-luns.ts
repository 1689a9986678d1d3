import { Writer } from '../../bytes/cursor.ts';
import { decodeLun } from './lun.ts';
import { OPERATION } from './operation.ts';
import { readData, type ScsiRequest } from './request.ts';

/** Room for 511 units. */
const allocationBytes = 8 + 511 * 8;

/** SPC-4, 6.33. */
export function reportLuns(dataInBytes = allocationBytes): ScsiRequest {
  const cdb = new Uint8Array(12);
  new Writer(cdb).u8(OPERATION.REPORT_LUNS).skip(5).u32(dataInBytes);
  return { cdb, dataInBytes };
}

/** The units that have a plain number. `complete` is false when there are more than there was room for. */
export function parseReportLuns(data: Uint8Array): { luns: readonly number[]; complete: boolean } {
  return readData('REPORT LUNS', data, (reader) => {
    const listBytes = reader.u32();
    reader.skip(4);
    const luns: number[] = [];
    const complete = listBytes <= reader.remaining;
    const end = reader.offset + Math.min(listBytes, reader.remaining);
    while (reader.offset + 8 <= end) {
      const lun = decodeLun(reader.bytes(8));
      if (lun !== undefined) luns.push(lun);
    }
    return { luns, complete };
  });
}
