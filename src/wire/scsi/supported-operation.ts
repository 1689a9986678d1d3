import { Writer } from '../../bytes/cursor.ts';
import { OPERATION } from './operation.ts';
import { readData, type ScsiRequest } from './request.ts';

const reportSupportedOperationCodes = 0x0c;
const allocationBytes = 64;

/** REPORT SUPPORTED OPERATION CODES about one command (SPC-4, 6.35), of one service action where it has those. */
export function reportSupportedOperation(operation: number, serviceAction?: number): ScsiRequest {
  const cdb = new Uint8Array(12);
  new Writer(cdb)
    .u8(OPERATION.MAINTENANCE_IN)
    .u8(reportSupportedOperationCodes)
    .u8(serviceAction === undefined ? 0b001 : 0b010)
    .u8(operation)
    .u16(serviceAction ?? 0)
    .u32(allocationBytes);
  return { cdb, dataInBytes: allocationBytes };
}

/**
 * 6.35.3 "One command parameter data format". `unknown`: the unit cannot tell now. A command that is there in a vendor's
 * own way is not the command of the standard: `no`.
 */
export function parseSupportedOperation(data: Uint8Array): 'yes' | 'no' | 'unknown' {
  return readData('REPORT SUPPORTED OPERATION CODES', data, (reader) => {
    reader.skip(1);
    switch (reader.u8() & 0x07) {
      case 0b000:
        return 'unknown';
      case 0b011:
        return 'yes';
      default:
        return 'no';
    }
  });
}
