import { nowNs } from './now.ts';

/**
 * Watches whether the machine runs this process when it should. A liveness expectation that was missed while it did
 * not is unknown, never violated; safety does not care.
 */
export function startStallProbe(
  onStall: (gapMs: number, t: number) => void,
  everyMs = 20,
  reportMs = 60,
): () => void {
  let last = nowNs();
  const timer = setInterval(() => {
    const now = nowNs();
    const gapMs = (now - last) / 1e6 - everyMs;
    if (gapMs > reportMs) onStall(Math.round(gapMs), now);
    last = now;
  }, everyMs);
  return () => clearInterval(timer);
}
