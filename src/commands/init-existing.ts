import { decodeArea } from '../area/area.ts';
import { isArbiterBlock } from '../area/block.ts';
import { findHeader } from '../area/header.ts';
import { areaBytes } from '../area/layout.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import type { Header, Reading } from '../protocol/types.ts';
import { readBeginning, REQUEST_DEADLINE_MS, unusable } from './area-access.ts';
import { ownership } from './describe.ts';

/** What `init` would write over. */
export interface Existing {
  /** For people: whose it is, or that it is not ours. */
  what: string;
  /** How far it reaches from the start of the device, as far as is known. */
  extentBytes: number;
}

/** Throws CommandError for a device that `init` cannot write or that is too small. */
export function requireRoom(device: BlockDevice, { sectorBytes, slots }: Header): void {
  if (device.readOnly) throw unusable(device, 'the export is read-only; init has to write it');
  const length = areaBytes(sectorBytes, slots);
  if (device.sizeBytes < length) {
    const needed = `an area of ${slots} slots in sectors of ${sectorBytes} bytes needs ${length} bytes`;
    throw unusable(device, `too small: ${needed}, the export has ${device.sizeBytes}`);
  }
}

/** What stands where the area is to be; undefined when all of it is zero. */
export async function existingContent(device: BlockDevice, header: Header): Promise<Existing | undefined> {
  const beginning = await readBeginning(device);
  const found = findHeader(beginning);
  if (found.kind === 'valid') return existingArea(device, found.value);
  const extentBytes = areaBytes(header.sectorBytes, header.slots);
  const bytes = await device.read(0, extentBytes, REQUEST_DEADLINE_MS);
  const at = bytes.findIndex((byte) => byte !== 0);
  return at < 0 ? undefined : { what: contentAt(at, bytes, found), extentBytes };
}

function contentAt(at: number, bytes: Uint8Array, header: Reading<Header>): string {
  if (header.kind === 'damaged' && isArbiterBlock(bytes)) return `a quorum area with a header ${header.why}`;
  if (isArbiterBlock(bytes.subarray(at))) return `blocks of a quorum area from ${at} on, without a header`;
  return `data of something else, from byte ${at} on`;
}

async function existingArea(device: BlockDevice, header: Header): Promise<Existing> {
  const extentBytes = Math.min(areaBytes(header.sectorBytes, header.slots), device.sizeBytes);
  const cluster = `the quorum area of cluster ${header.clusterId}`;
  if (device.sizeBytes < areaBytes(header.sectorBytes, header.slots)) {
    return { what: `${cluster}, cut short after ${device.sizeBytes} bytes`, extentBytes };
  }
  const bytes = await device.read(0, extentBytes, REQUEST_DEADLINE_MS);
  const area = decodeArea(bytes, header.sectorBytes, header.slots);
  const nodes = area.slots.map((slot) => (slot.kind === 'valid' ? slot.value.node : '-'));
  return { what: `${cluster} (${nodes.join(', ')}), owner: ${ownership(area.record)}`, extentBytes };
}
