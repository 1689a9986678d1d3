import type { TakeoverSince } from '../history/events.ts';
import { nowNs } from './now.ts';

/** What happened to an owner that another server is to take over from. */
export interface Hit {
  /** Monotonic nanoseconds: when it took effect, or was asked for where that comes later. */
  t: number;
  /**
   * `let-go`: asked to release, for somebody who saw it alive, so that D is skipped (R8). `let-go-in-vain`: for a server
   * that is dead, and the others hold back for D. `resume`: dead before, while the area was paused (R10).
   */
  kind: 'fault' | 'let-go' | 'let-go-in-vain' | 'resume';
}

/** Where a takeover is measured from, and whether D belongs to its bound. `releasedT`: of the last release; 0 for none. */
export function measuredFrom(
  hit: Hit | undefined,
  releasedT: number,
): { sinceT: number; since: TakeoverSince; skipsDeathWait: boolean } {
  if (hit === undefined) return { sinceT: nowNs(), since: 'fault', skipsDeathWait: false };
  // Whoever was dead for D before is dead already: the next read decides.
  if (hit.kind === 'resume') return { sinceT: hit.t, since: 'resume', skipsDeathWait: true };
  if (hit.kind === 'fault' || releasedT < hit.t)
    return { sinceT: hit.t, since: 'fault', skipsDeathWait: false };
  return { sinceT: releasedT, since: 'release', skipsDeathWait: hit.kind === 'let-go' };
}
