import { execa } from 'execa';
import { programs } from '../lab/engines/programs.ts';
import { safeMachine } from '../src/protocol/model/machine.fixture.ts';
import type { Pace, Plan } from '../src/protocol/model/plan.fixture.ts';
import { calm } from '../src/protocol/model/plans.fixture.ts';
import { run as play } from '../src/protocol/model/world.fixture.ts';
import { deathWaitMs } from '../src/protocol/timing.ts';
import type { Timings } from '../src/protocol/types.ts';
import type { Trace } from './idle-probe.ts';
import { type Bench, percentile } from './report.ts';
import { startGate } from './servers.ts';

const SERVERS = 3;
const PROBE_EVERY_MS = 10;
const PROBE_SECONDS = 12;
const INTERVALS_MS = [200, 100, 75, 50, 40, 30, 20, 15, 10];
const HOUR_MS = 3_600_000;
/** An hour is played in so many pieces, each from a power-on. */
const PIECES = 12;
/** Enough of them to know how often. */
const MOST_TAKEOVERS = 20;
const MOST_SECONDS = 35;

/**
 * The shortest D at which an hour of idle running shows no false takeover. The hour is virtual: the rules as the agents run
 * them (src/protocol), in the world of the model, without a fault; how late processes wake up here and how long the gate
 * takes to answer is measured for some seconds by three processes, and played again and again from random places. So rare
 * gaps that these seconds did not see are not in it.
 */
export async function run(bench: Bench): Promise<void> {
  const traces = await measure(bench);
  bench.title(
    `false takeovers in an hour of idle running, virtual, ${SERVERS} servers, M = 5, S = T, q = T/2`,
  );
  bench.row(`measured over ${PROBE_SECONDS} s, in ms`, 'p50', 'p99', 'max');
  for (const what of ['late', 'read', 'write'] as const) {
    const sorted = traces.flatMap((trace) => trace[what]).sort((a, b) => a - b);
    const columns = [0.5, 0.99, 1].map((share) => percentile(sorted, share).toFixed(2));
    bench.row({ late: 'wakes up late by', read: 'read', write: 'durable write' }[what], ...columns);
  }
  bench.row('', 'D', 'takeovers', 'lapses', 'of an hour');
  const endMs = performance.now() + 1000 * MOST_SECONDS;
  let quiet = true;
  let shortest: number | undefined;
  for (const intervalMs of INTERVALS_MS) {
    const timings = timingsOf(intervalMs);
    const { takeovers, lapses, playedMs } = idle(traces, timings, endMs);
    const share = playedMs / HOUR_MS;
    const perHour = (count: number): string => (share === 0 ? '-' : (count / share).toFixed(0));
    const d = deathWaitMs(timings);
    bench.row(`T = ${intervalMs} ms`, `${d} ms`, perHour(takeovers), perHour(lapses), share.toFixed(2));
    quiet &&= takeovers === 0 && share === 1;
    if (quiet) shortest = d;
  }
  bench.row('shortest D without one', shortest === undefined ? 'none' : `${shortest} ms`);
}

/** As `init` lays them out. */
function timingsOf(intervalMs: number): Timings {
  const deadlineMs = Math.round(intervalMs / 2);
  return { intervalMs, misses: 5, settleMs: intervalMs, deadlineMs, stopGraceMs: intervalMs };
}

async function measure(bench: Bench): Promise<Trace[]> {
  const gate = await startGate(await bench.folder(), 65_536, bench.signal);
  const uri = gate.uri('quorum');
  const nodes = Array.from({ length: SERVERS }, (_, i) => `n${i}`);
  await execa(process.execPath, [programs.arbiter, 'init', uri, '--nodes', nodes.join()]);
  const probe = new URL('./idle-probe.ts', import.meta.url).pathname;
  return Promise.all(
    nodes.map(async (_, slot) => {
      const argv = [probe, uri, slot, SERVERS, PROBE_EVERY_MS, PROBE_SECONDS].map(String);
      const { stdout } = await execa(process.execPath, argv, {
        cancelSignal: bench.signal,
        stderr: 'ignore',
      });
      return JSON.parse(stdout) as Trace;
    }),
  );
}

/** How often somebody took over from an owner that lived, and how often an owner let its lease lapse. */
function idle(
  traces: readonly Trace[],
  timings: Timings,
  endMs: number,
): { takeovers: number; lapses: number; playedMs: number } {
  const sum = { takeovers: 0, lapses: 0, playedMs: 0 };
  const pieceMs = HOUR_MS / PIECES;
  for (let seed = 1; seed <= PIECES && sum.takeovers < MOST_TAKEOVERS; seed++) {
    if (performance.now() > endMs) break;
    const plan: Plan = {
      ...calm(seed, safeMachine()),
      ...{
        servers: SERVERS,
        timings,
        quietAt: 0,
        untilAt: pieceMs,
        drift: 0.0001,
        pace: paceOf(traces, seed),
      },
    };
    const { takeovers, journal } = play(plan);
    // The first one is that of the power-on.
    sum.takeovers += Math.max(0, takeovers.length - 1);
    sum.lapses += journal.filter(({ entry }) => {
      return entry.event === 'role' && entry.to === 'stopping' && entry.rule === 'R6';
    }).length;
    sum.playedMs += pieceMs;
  }
  return sum;
}

/** Every server goes through what one of the processes saw, in order, from a place of its own. */
function paceOf(traces: readonly Trace[], seed: number): Pace {
  const at = traces.map(({ late }, server) => {
    const start = (seed * 7919 + server * 104_729) % late.length;
    return { late: start, read: start, write: start };
  });
  const next = (server: number, what: keyof Trace): number => {
    const values = traces[server]![what];
    return values[(at[server]![what] = (at[server]![what] + 1) % values.length)]!;
  };
  return {
    lateMs: (server) => next(server, 'late'),
    oneWayMs: (server, what, way) =>
      (way === 'there' ? next(server, what) : traces[server]![what][at[server]![what]]!) / 2,
  };
}
