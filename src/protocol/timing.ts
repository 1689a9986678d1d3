import type { Header, Timings } from './types.ts';

/**
 * The time budget of one quorum area, and the relations that make it hold (R0). Worked through for the defaults of
 * `init`, T = 1000, M = 5, S = 1000, q = 500, stopGrace = 1000, all in milliseconds: D = 5000, L = 4250.
 *
 *  one lease                                      one takeover
 *  +0      heartbeat starts: its read             +0      a read first shows the last heartbeat, and returns
 *  +1000   its write answered at the latest (2q)  +1000   T: unchanged 1
 *  +1000   T: the next one starts                 +3000   D - 2T: the next epoch is reserved in the own slot
 *  +1500   its read fails by deadline (T + q)     +5000   D: deciding read starts: t0
 *  +2000   2T: another one starts                 +5500   its answer at the latest; the claim starts: cs
 *  +2500   its read is answered (T + 3q)          +6000   t0 + S: an answer from here on is too late
 *  +3000   its write is answered                  +7120   1.12 S after that answer: settling read; a lease begins
 *  +3250   L - stopGrace: stopping begins         +7620   its answer at the latest; the ownership is written
 *  +4250   L: the service is gone                 +8120   answered; read back
 *  +5000   D: an observer may decide              +8620   own: owner.  Before cs + L = +9750, else abandoned
 *
 * The lease is counted by the owner's clock, the death wait by the observer's: 4250 ms of one are at most
 * 4250 x 1.05 / 0.95 = 4698 ms of the other, which leaves 302 ms of 5000.
 */

/** D: how long an observer must have seen no change (ms). */
export function deathWaitMs(t: Timings): number {
  return t.misses * t.intervalMs;
}

/** L: how long one successful heartbeat entitles its owner to act, from the start of that heartbeat (ms). */
export function leaseMs(t: Timings): number {
  return LEASE_SHARE * deathWaitMs(t);
}

/** R4: how long a claimant waits after the acknowledgement of its claim (ms). S of the slowest clock, by the fastest. */
export function settleWaitMs(t: Timings): number {
  return SETTLE_SHARE * t.settleMs;
}

/** R9: null and damaged records are read twice as often. */
export function quietIntervalMs(t: Timings): number {
  return t.intervalMs / 2;
}

/** R7: pause between two attempts to obtain the data area (ms). */
export function accessRetryMs(t: Timings): number {
  return Math.max(50, t.intervalMs / 4);
}

/**
 * Every relation these timings break, one sentence each with the numbers and the reason; none for sound ones.
 * Relations between values are looked at only when every value is sane by itself.
 */
export function timingProblems(t: Timings, mode: Header['mode'] = 'plain'): string[] {
  const insane = [
    ...wholeNumber('intervalMs', t.intervalMs, 10, HOUR_MS),
    ...wholeNumber('misses', t.misses, 1, 1000),
    ...wholeNumber('settleMs', t.settleMs, 1, HOUR_MS),
    ...wholeNumber('deadlineMs', t.deadlineMs, 1, HOUR_MS),
    ...wholeNumber('stopGraceMs', t.stopGraceMs, 1, HOUR_MS),
  ];
  if (insane.length > 0) return insane;
  return mode === 'plain' ? plainProblems(t) : compareAndWriteProblems(t);
}

const LEASE_SHARE = 0.85;
const SETTLE_SHARE = 1.12;
const HOUR_MS = 3_600_000;

function plainProblems(t: Timings): string[] {
  const [lease, claim] = [leaseMs(t), 2 * t.settleMs + 0.12 * t.settleMs + 3 * t.deadlineMs];
  const cycle = t.intervalMs + 3 * t.deadlineMs + t.stopGraceMs;
  const problems = tooFewMisses(t);
  if (claim >= lease) {
    problems.push(
      `a claim could not be finished within its lease: 2.12 S + 3 q = 2.12 x ${t.settleMs} + 3 x ${t.deadlineMs} = ${ms(claim)} must be below L = 0.85 x ${t.misses} x ${t.intervalMs} = ${ms(lease)}`,
    );
  }
  if (cycle >= lease) {
    problems.push(
      `one failed heartbeat would cost the lease: T + 3 q + stopGrace = ${t.intervalMs} + 3 x ${t.deadlineMs} + ${t.stopGraceMs} = ${ms(cycle)} must be below L = 0.85 x ${t.misses} x ${t.intervalMs} = ${ms(lease)}`,
    );
  }
  if (quietIntervalMs(t) >= t.settleMs) {
    problems.push(
      `a null or damaged record could never be claimed: reads start T / 2 = ${ms(quietIntervalMs(t))} apart, and from the start of one to the end of the next no more than S = ${ms(t.settleMs)} may pass`,
    );
  }
  return problems;
}

function compareAndWriteProblems(t: Timings): string[] {
  const cycle = t.intervalMs + 2 * t.deadlineMs + t.stopGraceMs;
  const problems = tooFewMisses(t);
  if (cycle >= leaseMs(t)) {
    problems.push(
      `one failed heartbeat would cost the lease: T + 2 q + stopGrace = ${t.intervalMs} + 2 x ${t.deadlineMs} + ${t.stopGraceMs} = ${ms(cycle)} must be below L = 0.85 x ${t.misses} x ${t.intervalMs} = ${ms(leaseMs(t))}`,
    );
  }
  return problems;
}

function tooFewMisses(t: Timings): string[] {
  if (t.misses >= 3) return [];
  return [`an owner would count as dead too soon: M = ${t.misses} must be at least 3`];
}

function wholeNumber(name: string, value: number, least: number, most: number): string[] {
  if (Number.isInteger(value) && value >= least && value <= most) return [];
  return [`${name} = ${value} must be a whole number from ${least} to ${most}`];
}

function ms(value: number): string {
  return `${Number(value.toFixed(3))} ms`;
}
