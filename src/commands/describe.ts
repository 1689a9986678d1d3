import { deathWaitMs, leaseMs } from '../protocol/timing.ts';
import { wallTime } from './output.ts';
import type { OwnershipRecord, Pause, Reading, Timings } from '../protocol/types.ts';

/** First 8 digits of an incarnation: enough for people, and what export names carry. */
export function shortIncarnation(incarnation: string): string {
  return incarnation.slice(0, 8);
}

/** What the ownership record says, in one phrase. */
export function ownership(reading: Reading<OwnershipRecord>): string {
  if (reading.kind === 'null') return 'none; nobody has owned this area yet';
  if (reading.kind === 'damaged') return `unknown: ownership record ${reading.why}`;
  const { status, node, epoch, successor } = reading.value;
  if (status === 1) return `${node}, epoch ${epoch}`;
  if (node !== '') return `none; ${node} is claiming it with epoch ${epoch}`;
  return `none; released after epoch ${epoch}${successor === '' ? '' : `, ${successor} is to follow`}`;
}

export type Ownership = 'owned' | 'claimed' | 'released' | 'null' | 'damaged';

export function ownershipState(reading: Reading<OwnershipRecord>): Ownership {
  if (reading.kind !== 'valid') return reading.kind;
  if (reading.value.status === 1) return 'owned';
  return reading.value.node === '' ? 'released' : 'claimed';
}

/** Who paused the area, and since when by its wall clock. */
export function pauseText({ by, sinceWallMs }: Pause): string {
  return `by ${by} since ${wallTime(sinceWallMs) || 'an unknown time'}`;
}

/** What was chosen, and what follows from it; all in milliseconds but M. */
export function timingsLine(t: Timings): string {
  const chosen = `T ${t.intervalMs}, M ${t.misses}, S ${t.settleMs}, q ${t.deadlineMs}, stop grace ${t.stopGraceMs}`;
  return `${chosen}; so D ${deathWaitMs(t)}, L ${Math.round(leaseMs(t))} (ms)`;
}
