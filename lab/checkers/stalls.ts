import type { History } from '../history/events.ts';
import { outside, stoppedWindows } from './fault-windows.ts';
import { inMs, type Instants, instantsOf } from './instants.ts';
import { timingsOf } from './bound.ts';

/**
 * Why the machine, and not the product, may be to blame for something that did not happen in time: the host did not
 * run the lab, or an agent that no fault had stopped, for more than T/2 somewhere between the two instants. Undefined
 * when it is not. A liveness expectation missed then is unknown; safety does not care.
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
  return starved(history, timings.intervalMs / 2, fromT, toT, instants);
}

/** By the agents' own clocks: what a process that watches from beside sees only when it is starved as well. */
function starved(
  history: History,
  mostMs: number,
  fromT: number,
  toT: number,
  { at }: Instants,
): string | undefined {
  for (const [server, lines] of history.journals) {
    const stopped = stoppedWindows(history, server);
    for (const line of lines) {
      if (line.event !== 'late' || line.dueAt >= toT || line.t <= fromT) continue;
      const starvedMs = outside(stopped, line.dueAt, line.t) / 1e6;
      if (starvedMs > mostMs)
        return `the agent of ${server} was not run for ${inMs(starvedMs)} until ${at(line.t)}, more than T/2`;
    }
  }
  return undefined;
}
