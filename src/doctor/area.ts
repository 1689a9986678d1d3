import { decodeArea } from '../area/area.ts';
import { isArbiterBlock } from '../area/block.ts';
import { findHeader } from '../area/header.ts';
import { areaBytes, HEADER_PROBE_BYTES, MAX_SLOTS, type SectorBytes } from '../area/layout.ts';
import type { BlockDevice } from '../ports/block-device.ts';
import type { Header, OwnershipRecord, Reading } from '../protocol/types.ts';
import { type Finding, ok, problem, size, warning } from './finding.ts';

/** What stands at the beginning of a storage. */
export type AreaFacts =
  | { kind: 'empty' }
  /** Bytes that are not the arbiter's. */
  | { kind: 'foreign' }
  | { kind: 'damaged'; why: string }
  | { kind: 'area'; header: Header; record: Reading<OwnershipRecord> | undefined };

/** Slots of an area that nobody has laid out yet, for its size: a small cluster's. */
const USUAL_SLOTS = 3;

/** Looks at the beginning, and at the whole area where one is there. Reads alone. Rejects as `BlockDevice.read` does. */
export async function lookAtArea(device: BlockDevice, deadlineMs: number): Promise<AreaFacts> {
  const length = Math.min(HEADER_PROBE_BYTES, device.sizeBytes);
  const beginning = await device.read(0, length - (length % device.sectorBytes), deadlineMs);
  const header = findHeader(beginning);
  if (header.kind === 'valid') {
    const { sectorBytes, slots, clusterId } = header.value;
    const bytes = areaBytes(sectorBytes, slots);
    if (bytes > device.sizeBytes) return { kind: 'area', header: header.value, record: undefined };
    const area = decodeArea(await device.read(0, bytes, deadlineMs), sectorBytes, slots, clusterId);
    return { kind: 'area', header: header.value, record: area.record };
  }
  if (header.kind === 'damaged' && isArbiterBlock(beginning)) return { kind: 'damaged', why: header.why };
  return beginning.every((byte) => byte === 0) ? { kind: 'empty' } : { kind: 'foreign' };
}

/** The sector an area has, or would have on this storage; undefined where none fits. */
export function areaSector(area: AreaFacts, deviceSectorBytes: number): SectorBytes | undefined {
  if (area.kind === 'area') return area.header.sectorBytes;
  if (deviceSectorBytes > 4096) return undefined;
  return deviceSectorBytes > 512 ? 4096 : 512;
}

/** What one heartbeat reads there: the area as it is, or as it would be for a small cluster. */
export function observedBytes(
  area: AreaFacts,
  device: Pick<BlockDevice, 'sizeBytes' | 'sectorBytes'>,
): number {
  const sectorBytes = areaSector(area, device.sectorBytes) ?? device.sectorBytes;
  const slots = area.kind === 'area' ? area.header.slots : USUAL_SLOTS;
  const whole = Math.min(areaBytes(sectorBytes, slots), device.sizeBytes);
  return whole - (whole % device.sectorBytes);
}

/**
 * How far from the start nothing is ever written: the area that is there, and where none can be read as much as one
 * could have, so that an `init` meanwhile is safe too.
 */
export function reservedBytes(area: AreaFacts, deviceSectorBytes: number): number {
  if (area.kind === 'area') return areaBytes(area.header.sectorBytes, area.header.slots);
  const sectorBytes = area.kind === 'damaged' ? 4096 : areaSector(area, deviceSectorBytes);
  return areaBytes(sectorBytes ?? 4096, MAX_SLOTS);
}

export function judgeArea(area: AreaFacts): Finding {
  const thing = 'quorum area';
  switch (area.kind) {
    case 'empty':
      return ok(thing, 'none yet: zeroes where it would be');
    case 'foreign':
      return warning(
        thing,
        'none: other data is at the beginning',
        'give the arbiter a device of its own, or nothing at all if this is a data area',
      );
    case 'damaged':
      return problem(thing, `its header cannot be read: ${area.why}`, 'look at it with arbiter dump');
    default: {
      const { header, record } = area;
      const { slots, sectorBytes, clusterId } = header;
      const what = `cluster ${clusterId.slice(0, 8)}, ${slots} slots in sectors of ${sectorBytes} bytes`;
      if (record === undefined)
        return problem(
          thing,
          `${what}: the device ends before it does`,
          'bring the device back to its former size',
        );
      if (record.kind === 'damaged')
        return warning(
          thing,
          `${what}; ownership record ${record.why}`,
          'agents wait D and claim it; see arbiter dump',
        );
      return ok(thing, `${what}, ${size(areaBytes(sectorBytes, slots))}; ${ownedBy(record)}`);
    }
  }
}

function ownedBy(record: Reading<OwnershipRecord>): string {
  if (record.kind !== 'valid') return 'nobody has owned it yet';
  const { status, node, epoch } = record.value;
  return status === 1 ? `owner ${node}, epoch ${epoch}` : `no owner, last epoch ${epoch}`;
}
