import { Writer } from '../../bytes/cursor.ts';
import { hex, OPERATION } from './operation.ts';
import { MalformedScsiData, readData, type ScsiRequest } from './request.ts';

/** What is asked for by default: as much as the first byte of a length can say. */
const allocationBytes = 255;

/** SPC-4, 6.6. Without `page` the standard data, otherwise a page of vital product data. */
export function inquiry(page?: number, dataInBytes = allocationBytes): ScsiRequest {
  const cdb = new Uint8Array(6);
  new Writer(cdb)
    .u8(OPERATION.INQUIRY)
    .u8(page === undefined ? 0 : 1)
    .u8(page ?? 0)
    .u16(dataInBytes);
  return { cdb, dataInBytes };
}

/**
 * The names of a unit, its ports and its target have room here, which may be more than 255 bytes. A unit of before SPC-3
 * looks at the lower byte of the length alone, and that is 255 as well.
 */
const identificationBytes = 0x0fff;

/** SPC-4, 7.8.6. */
export function deviceIdentification(): ScsiRequest {
  return inquiry(VPD_PAGE.DEVICE_IDENTIFICATION, identificationBytes);
}

/** SPC-4, 6.6.2 "Standard INQUIRY data". */
export interface StandardInquiry {
  /** 0: a device is there. 1: none now. 3: this LUN has none, and never will. */
  qualifier: number;
  /** 0: a disk (SBC). 1Fh: unknown, or no device. */
  deviceType: number;
  /** 5: SPC-3. 6: SPC-4. */
  version: number;
  vendor: string;
  product: string;
  revision: string;
}

export function parseStandardInquiry(data: Uint8Array): StandardInquiry {
  return readData('INQUIRY', data, (reader) => {
    const first = reader.u8();
    reader.skip(1);
    const version = reader.u8();
    reader.skip(5);
    return {
      qualifier: first >> 5,
      deviceType: first & 0x1f,
      version,
      vendor: ascii(reader.bytes(8)),
      product: ascii(reader.bytes(16)),
      revision: ascii(reader.bytes(4)),
    };
  });
}

export const VPD_PAGE = {
  SUPPORTED_PAGES: 0x00,
  UNIT_SERIAL_NUMBER: 0x80,
  DEVICE_IDENTIFICATION: 0x83,
  BLOCK_LIMITS: 0xb0,
} as const;

/** SPC-4, 7.8.13: the pages the unit has. */
export function parseSupportedPages(data: Uint8Array): readonly number[] {
  return [...vpd(data, VPD_PAGE.SUPPORTED_PAGES)];
}

/** SPC-4, 7.8.14; without the spaces in front and behind. */
export function parseUnitSerialNumber(data: Uint8Array): string {
  return ascii(vpd(data, VPD_PAGE.UNIT_SERIAL_NUMBER));
}

/** SPC-4, 7.8.6.1 "Designation descriptor". */
export interface Designator {
  /** What it names: 0 the logical unit, 1 the target port, 2 the target device. */
  association: number;
  /** 1: T10 vendor. 2: EUI-64. 3: NAA. 8: SCSI name string. */
  type: number;
  /** 1: binary. 2: ASCII. 3: UTF-8. */
  codeSet: number;
  designator: Uint8Array;
}

/** SPC-4, 7.8.6: what makes out whether two paths lead to one unit. */
export function parseDeviceIdentification(data: Uint8Array): readonly Designator[] {
  const page = vpd(data, VPD_PAGE.DEVICE_IDENTIFICATION);
  return readData(`INQUIRY page ${hex(VPD_PAGE.DEVICE_IDENTIFICATION)}`, page, (reader) => {
    const found: Designator[] = [];
    while (reader.remaining > 0) {
      const codeSet = reader.u8() & 0x0f;
      const kind = reader.u8();
      reader.skip(1);
      const designator = reader.bytes(reader.u8()).slice();
      found.push({ association: (kind >> 4) & 3, type: kind & 0x0f, codeSet, designator });
    }
    return found;
  });
}

/** SBC-3, 6.5.3. Lengths are logical blocks; 0 where the unit reports no limit, and for what its page is too short for. */
export interface BlockLimits {
  /** 0: no COMPARE AND WRITE. */
  compareAndWriteBlocks: number;
  optimalGranularityBlocks: number;
  maximumTransferBlocks: number;
  optimalTransferBlocks: number;
}

export function parseBlockLimits(data: Uint8Array): BlockLimits {
  const page = vpd(data, VPD_PAGE.BLOCK_LIMITS);
  const padded = new Uint8Array(Math.max(12, page.length));
  padded.set(page);
  return readData(`INQUIRY page ${hex(VPD_PAGE.BLOCK_LIMITS)}`, padded, (reader) => {
    reader.skip(1);
    return {
      compareAndWriteBlocks: reader.u8(),
      optimalGranularityBlocks: reader.u16(),
      maximumTransferBlocks: reader.u32(),
      optimalTransferBlocks: reader.u32(),
    };
  });
}

/** What is in a page, without its head. It may be longer than what was asked for, and then its end is missing. */
function vpd(data: Uint8Array, page: number): Uint8Array {
  const what = `INQUIRY page ${hex(page)}`;
  return readData(what, data, (reader) => {
    reader.skip(1);
    const given = reader.u8();
    if (given !== page) throw new MalformedScsiData(`${what} returned page ${hex(given)}`);
    return reader.bytes(Math.min(reader.u16(), reader.remaining));
  });
}

/** Fields of ASCII are padded with spaces; what is none of it is shown as `?`, for it may end up on a terminal. */
function ascii(bytes: Uint8Array): string {
  const text = [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0 ? ' ' : '?',
  );
  return text.join('').trim();
}
