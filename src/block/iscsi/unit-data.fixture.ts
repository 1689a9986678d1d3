/** What a logical unit returns, written down independently of the code under test: SPC-4 and SBC-3, by place. */

export function standardInquiry(
  options: { qualifier?: number; deviceType?: number; vendor?: string } = {},
): Uint8Array {
  const { qualifier = 0, deviceType = 0, vendor = 'SCRIPTED' } = options;
  const data = Buffer.alloc(36);
  data[0] = (qualifier << 5) | deviceType;
  data[2] = 6;
  data[3] = 2;
  data[4] = 31;
  data.write(vendor.padEnd(8), 8, 'latin1');
  data.write('DISK'.padEnd(16), 16, 'latin1');
  data.write('0001', 32, 'latin1');
  return data;
}

/** INQUIRY page 83 with one designator of the unit: NAA, 8 bytes. */
export function deviceIdentification(naa: string): Uint8Array {
  return Buffer.concat([Buffer.from('0083000c01030008', 'hex'), Buffer.from(naa, 'hex')]);
}

/** READ CAPACITY (16). */
export function capacity(blocks: number | bigint, blockBytes: number): Uint8Array {
  const data = Buffer.alloc(32);
  data.writeBigUInt64BE(BigInt(blocks) - 1n, 0);
  data.writeUInt32BE(blockBytes, 8);
  return data;
}

/** MODE SENSE (6): the head, and the caching page when `cache` says whether there is one. */
export function modeHeader(
  options: { writeProtected?: boolean; fua?: boolean; cache?: boolean } = {},
): Uint8Array {
  const { writeProtected = false, fua = false, cache } = options;
  const page = cache === undefined ? [] : [8, 18, cache ? 4 : 0, ...Array<number>(17).fill(0)];
  const specific = (writeProtected ? 0x80 : 0) | (fua ? 0x10 : 0);
  return Uint8Array.of(3 + page.length, 0, specific, 0, ...page);
}

/** Sense data in the fixed format. */
export function fixedSense(key: number, asc: number, ascq = 0): Uint8Array {
  const data = new Uint8Array(18);
  data[0] = 0x70;
  data[2] = key;
  data[7] = 10;
  data[12] = asc;
  data[13] = ascq;
  return data;
}
