import { leaseMs } from '../protocol/timing.ts';
import type { Timings } from '../protocol/types.ts';
import type { Hold } from './disk.ts';
import { type Finding, ok, warning } from './finding.ts';

/**
 * Which layer between an agent and the storage holds a write and sends it again, so that it lands after the server that
 * made it was replaced. The clients of this program send a request once. A kernel's initiator does not: a service that
 * waits for one cannot be killed either, so a hold longer than the lease outlives it.
 */
export function judgeHolds(holds: readonly Hold[] | 'own client', timings: Timings | undefined): Finding {
  const thing = 'late writes';
  if (holds === 'own client')
    return ok(thing, 'the client sends a request once and never again, whatever becomes of it');
  if (holds.length === 0) return ok(thing, 'no time-out of an initiator is known for this device');
  const lease = timings === undefined ? undefined : leaseMs(timings) / 1000;
  const longest = holds.reduce((a, b) => (secondsOf(b) > secondsOf(a) ? b : a));
  const all = holds.map(({ what, seconds }) => `${what} ${shown(seconds)}`).join(', ');
  if (lease !== undefined && secondsOf(longest) <= lease)
    return ok(thing, `${all}: given up within a lease of ${lease} s`);
  const than = lease === undefined ? 'a lease' : `a lease of ${lease} s`;
  return warning(
    thing,
    `${all}: longer than ${than}, so a write may be sent again, and land, after a takeover; its service cannot be killed meanwhile`,
    `fence by reservation, and shorten it: ${longest.setBy}`,
  );
}

function secondsOf({ seconds }: Hold): number {
  return seconds ?? Number.POSITIVE_INFINITY;
}

function shown(seconds: number | undefined): string {
  return seconds === undefined ? 'with no limit that /sys shows' : `${seconds} s`;
}
