import { decodeArea } from '../area/area.ts';
import { isArbiterBlock } from '../area/block.ts';
import { findHeader } from '../area/header.ts';
import { areaBytes, HEADER_PROBE_BYTES, SECTOR_SIZES } from '../area/layout.ts';
import type { AreaReading } from '../protocol/types.ts';

/** What a quorum area says about the grants there may have been. */
export type Traces =
  /** No server has ever used an epoch here. */
  | { kind: 'none' }
  /** No epoch up to this one may be granted any more. */
  | { kind: 'floor'; epoch: number }
  | { kind: 'unreadable'; why: string };

/**
 * Where a gate begins whose last grant was lost, from the first bytes of its quorum area (all of it, or of the largest
 * there can be). A grant that is lost is not the same as none: whoever had it may still be about to write, and whoever
 * had an earlier one must not come back ("Lower epochs never come back").
 *
 * Every epoch that was ever granted stood in its owner's slot before it stood in the record (R3, R7), and no slot goes
 * back to a lower one. So the highest epoch in the record and the slots is at least the last grant, and:
 *
 * - The record shows an owner (status 1) of that highest epoch: it is the last grant, or the next one that the gate would
 *   have made of this very record. It may be granted; everything below may not.
 * - Anything else: the record may be a late write of a former owner, a claim, a release, null or damaged, and whether the
 *   highest epoch was granted or merely reserved cannot be told. Only what is above it may be granted. That locks nobody
 *   out: an owner that is refused raises its epoch above the one that the refusal names (R7).
 * - A slot that cannot be read may have held a higher one. Without it nothing is safe, and the gate does not start. Nor
 *   does it behind a header that cannot be read, or over an area that was cut short: nobody knows where the slots lie.
 *   Until the area is laid out anew, which makes it another cluster's, no server works with such a one anyhow.
 * - A damaged record alone is no obstacle: its epoch is in the slot of whoever wrote it.
 *
 * The one way around this is that of R3 itself: a late write of a slot hides its last epoch (README, "Limits"), while
 * the record was overwritten as well. And it believes the area, which the gate otherwise never does about the past: so it
 * is done once, and what comes out of it is kept like a grant. lost-grant-model.test.ts holds it against the model.
 */
export function tracesOfGrants(bytes: Uint8Array): Traces {
  const header = findHeader(bytes.subarray(0, HEADER_PROBE_BYTES));
  if (header.kind !== 'valid') {
    if (!holdsBlocks(bytes)) return { kind: 'none' };
    return { kind: 'unreadable', why: `its header is ${header.kind === 'null' ? 'gone' : header.why}` };
  }
  const { sectorBytes, slots, clusterId } = header.value;
  if (bytes.length < areaBytes(sectorBytes, slots)) {
    return { kind: 'unreadable', why: `it is cut short after ${bytes.length} bytes` };
  }
  return tracesIn(decodeArea(bytes, sectorBytes, slots, clusterId));
}

/** The same of an area whose header is good. */
export function tracesIn({ record, slots }: AreaReading): Traces {
  let highest = record.kind === 'valid' ? record.value.epoch : 0;
  for (const [index, slot] of slots.entries()) {
    if (slot.kind === 'damaged') return { kind: 'unreadable', why: `slot ${index}: ${slot.why}` };
    if (slot.kind === 'valid') highest = Math.max(highest, slot.value.epoch);
  }
  if (highest === 0) return { kind: 'none' };
  const isOwned = record.kind === 'valid' && record.value.status === 1 && record.value.epoch === highest;
  return { kind: 'floor', epoch: isOwned ? highest - 1 : highest };
}

/** Whether any cluster ever used it: data of something else holds no traces. */
function holdsBlocks(bytes: Uint8Array): boolean {
  const step = Math.min(...SECTOR_SIZES);
  for (let at = 0; at < bytes.length; at += step) if (isArbiterBlock(bytes.subarray(at))) return true;
  return false;
}
