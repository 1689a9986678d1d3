/** Requests of one kind, one after another: how long each took, and what became of those that failed. */
export interface Samples {
  /** Of one request. */
  bytes: number;
  /** Of every request that succeeded, in the order they were made. */
  tookMs: number[];
  /** What was said of each that did not. */
  failures: string[];
}

/** All in milliseconds, but for `count` and `bytes`. */
export interface Latency {
  bytes: number;
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

/**
 * Nearest-rank percentiles: each is the time of a request that was made, and at least that share of all requests was
 * not slower. Of fewer than 1000 requests p99.9 is the slowest. Undefined when none succeeded.
 */
export function latencyOf({ bytes, tookMs }: Samples): Latency | undefined {
  if (tookMs.length === 0) return undefined;
  const sorted = [...tookMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]!;
  const max = sorted[sorted.length - 1]!;
  return { bytes, count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max };
}

/** Milliseconds as people read them: `0.42`, `3.1`, `118`. */
export function shownMs(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
