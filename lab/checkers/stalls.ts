import type { History } from '../history/events.ts';
import { inMs, type Instants, instantsOf } from './instants.ts';
import { timingsOf } from './bound.ts';

/**
 * Why the machine, and not the product, may be to blame for something that did not happen in time: the host did not
 * run the lab for more than T/2 somewhere between the two instants. Undefined when it is not. A liveness expectation
 * missed then is unknown; safety does not care.
 */
export function hostStalled(history: History, fromT: number, toT: number): string | undefined {
  const timings = timingsOf(history);
  if (timings === undefined) return undefined;
  const instants: Instants = instantsOf(history);
  for (const event of history.lab) {
    if (event.event !== 'stall' || event.gapMs <= timings.intervalMs / 2) continue;
    const beganT = event.t - event.gapMs * 1e6;
    if (beganT < toT && event.t > fromT) {
      return `host stalled for ${inMs(event.gapMs)} until ${instants.at(event.t)}, more than T/2`;
    }
  }
  return undefined;
}
