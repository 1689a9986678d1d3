import type { AreaReading } from '../protocol/types.ts';
import { decodeHeader } from './header.ts';
import { areaBytes, headerOffset, recordOffset, slotOffset } from './layout.ts';
import { decodeRecord } from './record.ts';
import { decodeSlot } from './slot.ts';

/**
 * The whole quorum area from the bytes of one read, laid out as the reader's first header said. Every block must
 * belong to one cluster: `clusterId` where the reader knows it from before, otherwise the one in the header that was
 * read along; without either, blocks of any cluster are taken. Throws RangeError when `bytes` is too short.
 */
export function decodeArea(
  bytes: Uint8Array,
  sectorBytes: number,
  slots: number,
  clusterId?: string,
): AreaReading {
  const length = areaBytes(sectorBytes, slots);
  if (bytes.length < length)
    throw new RangeError(`an area of ${length} bytes from a read of ${bytes.length}`);
  const sectorAt = (offset: number): Uint8Array => bytes.subarray(offset, offset + sectorBytes);
  const header = decodeHeader(sectorAt(headerOffset));
  const cluster = clusterId ?? (header.kind === 'valid' ? header.value.clusterId : undefined);
  return {
    header,
    record: decodeRecord(sectorAt(recordOffset(sectorBytes)), cluster),
    slots: Array.from({ length: slots }, (_, i) => decodeSlot(sectorAt(slotOffset(sectorBytes, i)), cluster)),
  };
}
