import type { Timings } from './types.ts';

/** What `init` lays out when it is told nothing else: D = 5000, L = 4250. Worked through in timing.ts. */
export const DEFAULTS: Timings = {
  intervalMs: 1000,
  misses: 5,
  settleMs: 1000,
  deadlineMs: 500,
  stopGraceMs: 1000,
};
