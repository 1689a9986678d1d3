import { setTimeout as pause } from 'node:timers/promises';
import type { Samples } from './latency.ts';

/** A kind of request that is made again and again. */
interface Repeated {
  bytes: number;
  stopAtFailure?: boolean;
  request(): Promise<unknown>;
}

/** Requests begin so far apart (ms): enough of them for p99.9, and no load for a storage that others use meanwhile. */
const PACE_MS = 4;

/** A storage that fails so often has shown what it is like. */
const MOST_FAILURES = 5;

/**
 * Makes one request of each kind in turn, one at a time as an agent does, until `forMs` have passed, `signal` is aborted or
 * too many failed; each kind once at least. One with `stopAtFailure` is not made any more after its first failure.
 */
export async function sample(
  kinds: readonly Repeated[],
  forMs: number,
  signal: AbortSignal,
): Promise<Samples[]> {
  const samples = kinds.map(({ bytes }): Samples => ({ bytes, tookMs: [], failures: [] }));
  const untilMs = performance.now() + forMs;
  for (;;) {
    const roundMs = performance.now();
    for (const [index, kind] of kinds.entries()) {
      const mine = samples[index]!;
      if (signal.aborted || (kind.stopAtFailure === true && mine.failures.length > 0)) continue;
      await timed(kind, mine);
    }
    const failures = samples.reduce((sum, each) => sum + each.failures.length, 0);
    const nextMs = Math.max(performance.now(), roundMs + PACE_MS);
    if (signal.aborted || failures >= MOST_FAILURES || nextMs >= untilMs) return samples;
    await pause(Math.max(0, nextMs - performance.now()));
  }
}

async function timed(kind: Repeated, samples: Samples): Promise<void> {
  const startedMs = performance.now();
  try {
    await kind.request();
    samples.tookMs.push(performance.now() - startedMs);
  } catch (error) {
    samples.failures.push((error as Error).message);
  }
}
