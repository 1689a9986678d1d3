import { Writer } from '../../bytes/cursor.ts';
import { OPERATION } from './operation.ts';
import { readData, type ScsiRequest } from './request.ts';

/** SBC-3, 6.4.5 "Caching mode page". */
const cachingPage = 0x08;
const allocationBytes = 192;

export interface ModeParameters {
  writeProtected: boolean;
  /** The unit takes FUA in reads and writes (DPOFUA). */
  forcedUnitAccess: boolean;
  /** Writes are answered from a cache (WCE); undefined when the unit did not return the caching page. */
  writeCache: boolean | undefined;
}

/** SPC-4, 6.11. Current values, no block descriptors. `page`: the caching page, or 3Fh for whatever there is. */
export function modeSense6(page: 0x08 | 0x3f = cachingPage): ScsiRequest {
  const cdb = new Uint8Array(6);
  new Writer(cdb).u8(OPERATION.MODE_SENSE_6).u8(0x08).u8(page).skip(1).u8(allocationBytes);
  return { cdb, dataInBytes: allocationBytes };
}

/** SPC-4, 7.5.5 "Mode parameter header formats"; the device-specific parameter is SBC-3's, 6.4.1. */
export function parseModeSense6(data: Uint8Array): ModeParameters {
  return readData('MODE SENSE(6)', data, (reader) => {
    const lengthBytes = reader.u8() + 1;
    reader.skip(1);
    const specific = reader.u8();
    const descriptorBytes = reader.u8();
    const pages = data.subarray(4 + descriptorBytes, Math.min(data.length, lengthBytes));
    return {
      writeProtected: (specific & 0x80) !== 0,
      forcedUnitAccess: (specific & 0x10) !== 0,
      writeCache: writeCacheIn(pages),
    };
  });
}

function writeCacheIn(pages: Uint8Array): boolean | undefined {
  for (let at = 0; at + 4 <= pages.length;) {
    // A page with a subpage (SPF) has a length of two bytes (SPC-4, 7.5.7).
    const hasSubpage = (pages[at]! & 0x40) !== 0;
    if (!hasSubpage && (pages[at]! & 0x3f) === cachingPage) return (pages[at + 2]! & 0x04) !== 0;
    at += hasSubpage ? 4 + ((pages[at + 2]! << 8) | pages[at + 3]!) : 2 + pages[at + 1]!;
  }
  return undefined;
}
