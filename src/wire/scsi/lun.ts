/** The eight bytes of a LUN as SAM-5, 4.7 has them; the first two say it where there is one level of units. */
const lunBytes = 8;

/** The largest number the flat space addressing method holds (SAM-5, 4.7.7.3). */
export const MAXIMUM_LUN = 0x3fff;

/** Up to 255 by the peripheral device addressing method, as most initiators do, from there on by the flat space one. */
export function encodeLun(lun: number): Uint8Array {
  if (!Number.isInteger(lun) || lun < 0 || lun > MAXIMUM_LUN)
    throw new Error(`invariant: ${lun} is no logical unit number`);
  const bytes = new Uint8Array(lunBytes);
  bytes[0] = lun > 0xff ? 0x40 | (lun >> 8) : 0;
  bytes[1] = lun & 0xff;
  return bytes;
}

/** Undefined for a unit that has no plain number: of a lower level, or a well-known one. */
export function decodeLun(bytes: Uint8Array): number | undefined {
  if (bytes.length !== lunBytes || bytes.subarray(2).some((byte) => byte !== 0)) return undefined;
  const [first = 0, second = 0] = bytes;
  if (first === 0) return second;
  return first >> 6 === 1 ? ((first & 0x3f) << 8) | second : undefined;
}
