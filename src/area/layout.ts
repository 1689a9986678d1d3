/**
 * Where the blocks of a quorum area lie: sector 0 the header, sector 1 the ownership record, sectors 2 and up one
 * slot per server. Every block is one logical sector, written by one write, so that a disk writes it whole or not at
 * all. Offsets and lengths are bytes.
 */
export type SectorBytes = 512 | 4096;
export const SECTOR_SIZES = [512, 4096] as const satisfies readonly SectorBytes[];

/** One read shows the whole area, so its length is bounded: 66 sectors at most, 264 KiB. */
export const MAX_SLOTS = 64;

/** The header lies at the start, whatever the sector size: that is how a reader learns the sector size. */
export const headerOffset = 0;

/** As many bytes as a reader needs to find the header before it knows the sector size; an export may be smaller. */
export const HEADER_PROBE_BYTES = 4096;

export function recordOffset(sectorBytes: number): number {
  return sectorBytes;
}

export function slotOffset(sectorBytes: number, index: number): number {
  return (2 + index) * sectorBytes;
}

/** Length of the whole area: what one observation reads, and the least an export must have. */
export function areaBytes(sectorBytes: number, slots: number): number {
  return slotOffset(sectorBytes, slots);
}

export function isSectorBytes(value: number): value is SectorBytes {
  return SECTOR_SIZES.some((size) => size === value);
}
