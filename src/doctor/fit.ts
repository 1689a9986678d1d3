import { deathWaitMs, leaseMs, timingProblems } from '../protocol/timing.ts';
import type { Header, Timings } from '../protocol/types.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { type Latency, shownMs } from './latency.ts';

/**
 * Below this q a machine that stalls for tens of milliseconds now and then, as every one does, is taken for a storage
 * that does.
 */
const LEAST_DEADLINE_MS = 200;

/** What a look of some seconds shows is not the worst there is: so many times p99.9, and so many times the slowest. */
const OVER_P999 = 3;
const OVER_MAX = 1.5;

/** The proportions of `init`'s defaults, in q: T = S = stopGrace = 2 q, M = 5. */
const INTERVAL_IN_DEADLINES = 2;
const MISSES = 5;

/** Beyond that T would pass an hour, which `timingProblems` takes for a slip of the pen. */
const MOST_DEADLINE_MS = 1_800_000;

/**
 * The shortest timings that leave these latencies their margin: q from them, everything else from q in the proportions of
 * the defaults, so that read plus write stay within S and every relation of `timing.ts` holds. Undefined for a storage
 * so slow that none do.
 */
export function fittingTimings(latencies: readonly Latency[]): Timings | undefined {
  const slow = Math.max(...latencies.map(({ p999, max }) => Math.max(OVER_P999 * p999, OVER_MAX * max)));
  const deadlineMs = roundedUp(Math.max(LEAST_DEADLINE_MS, slow));
  if (!(deadlineMs <= MOST_DEADLINE_MS)) return undefined;
  const intervalMs = INTERVAL_IN_DEADLINES * deadlineMs;
  const timings = { intervalMs, misses: MISSES, settleMs: intervalMs, deadlineMs, stopGraceMs: intervalMs };
  if (timingProblems(timings).length > 0)
    throw new Error('invariant: a proposal breaks a relation of timing.ts');
  return timings;
}

/** To a number that a person would have chosen. */
function roundedUp(value: number): number {
  const step = value <= 1000 ? 50 : value <= 5000 ? 100 : 500;
  return Math.ceil(value / step) * step;
}

/** Whether the timings an area has fit what was measured. Its own relations first: nothing fits those that break one. */
export function fitOf(
  { timings, mode }: Pick<Header, 'timings' | 'mode'>,
  reads: Latency,
  writes: Latency | undefined,
): Finding {
  const thing = 'timings';
  const chosen = `the area has ${timingsText(timings)}`;
  const [broken] = timingProblems(timings, mode);
  if (broken !== undefined)
    return problem(thing, `${chosen}: ${broken}`, 'lay it out anew with other timings');
  const worst = slower(reads, writes);
  const { deadlineMs: q, settleMs: s } = timings;
  const raise =
    'with all agents stopped, lay the area out anew with the timings below, or make the storage faster';
  if (worst.p99 >= q) {
    return problem(
      thing,
      `${chosen}, and one request in a hundred takes ${shownMs(worst.p99)} ms or more: it fails at q`,
      raise,
    );
  }
  if (writes !== undefined && reads.p50 + writes.p50 >= s) {
    const both = shownMs(reads.p50 + writes.p50);
    return problem(
      thing,
      `${chosen}, and every other read with a write takes ${both} ms: no claim is done within S`,
      raise,
    );
  }
  if (worst.max >= q)
    return warning(
      thing,
      `${chosen}, and the slowest request took ${shownMs(worst.max)} ms: it would have failed at q`,
      raise,
    );
  if (2 * worst.p999 >= q)
    return warning(thing, `${chosen}: q is less than twice p99.9 (${shownMs(worst.p999)} ms)`, raise);
  const both = reads.p999 + (writes?.p999 ?? reads.p999);
  if (both >= s) {
    const why = `${chosen}, and a read with a write takes up to ${shownMs(both)} ms at p99.9: such a claim is abandoned at S`;
    return warning(thing, why, raise);
  }
  return ok(
    thing,
    `${chosen}; p99.9 is ${shownMs(worst.p999)} ms, the slowest request ${shownMs(worst.max)} ms: they fit`,
  );
}

/** What a new area would be laid out with. */
export function proposalOf(
  timings: Timings | undefined,
  reads: Latency,
  writes: Latency | undefined,
): Finding {
  const { p999, max } = slower(reads, writes);
  const seen = `p99.9 is ${shownMs(p999)} ms, the slowest request ${shownMs(max)} ms`;
  if (timings === undefined)
    return problem('timings', `${seen}: too slow for any timings`, 'put the quorum area on another storage');
  const only = writes === undefined ? ' of the reads alone' : '';
  return ok('timings', `${seen}${only}; these fit: ${timingsText(timings)}`);
}

function timingsText(t: Timings): string {
  const chosen = `T ${t.intervalMs}, M ${t.misses}, S ${t.settleMs}, q ${t.deadlineMs} ms`;
  return `${chosen} (D ${deathWaitMs(t)}, L ${Math.round(leaseMs(t))})`;
}

/**
 * The command that lays out an area with them: what it is not told follows from T in the same proportions. `flags`: what
 * else it has to be told.
 */
export function initCommandFor(uri: string, { intervalMs }: Timings, flags: readonly string[] = []): string {
  return [`arbiter init '${uri}' --nodes NAME,NAME,... --interval-ms ${intervalMs}`, ...flags].join(' ');
}

/** At every percentile the slower of both: an agent waits for either. */
function slower(reads: Latency, writes: Latency | undefined): Pick<Latency, 'p99' | 'p999' | 'max'> {
  const of = (key: 'p99' | 'p999' | 'max'): number => Math.max(reads[key], writes?.[key] ?? 0);
  return { p99: of('p99'), p999: of('p999'), max: of('max') };
}
