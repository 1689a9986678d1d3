import type { Timings } from '../src/protocol/types.ts';
import type { LabEvent } from '../lab/history/events.ts';
import type { Expectation } from '../lab/run/expectations.ts';
import { type Bench, percentile } from './report.ts';
import { openBenchWorld } from './worlds.ts';

const timings: Timings = { intervalMs: 100, misses: 5, settleMs: 100, deadlineMs: 60, stopGraceMs: 100 };
const KILLS = 30;

/**
 * From the kill of the active server to the first acknowledged append on the new one, on processes. The floor is what the
 * protocol itself waits for, on average: D, half an interval until the deciding read's turn, and the settle time.
 */
export async function run(bench: Bench): Promise<void> {
  const { intervalMs, misses, settleMs } = timings;
  const floorMs = misses * intervalMs + intervalMs / 2 + 1.12 * settleMs;
  const opened = await openBenchWorld(bench, 'process', 3, timings);
  const { lab, world, recorder } = opened;
  const took: number[] = [];
  try {
    await lab.start(...lab.servers);
    await world.startClient();
    for (let kill = 0; kill < KILLS; kill++) {
      const old = await lab.activeServer();
      await lab.standby();
      await lab.client.appending(20);
      const fault = await lab.fault('kill', old);
      const { epoch } = await lab.takeover({ from: old });
      took.push(((await lab.eventually(firstAppend(epoch))) - killedT(recorder.events, old)) / 1e6);
      await fault.heal();
    }
  } finally {
    await opened.close();
    await recorder.close();
  }
  const sorted = took.sort((a, b) => a - b);
  bench.title(
    `kill of the active server to the first acknowledged append on the next, ${KILLS} kills, T = 100 ms, M = 5`,
  );
  bench.row('', 'ms', 'x floor', 'target');
  bench.row(`floor D + T/2 + 1.12 S`, floorMs.toFixed(0), '1.00');
  const targets: Readonly<Record<string, string>> = { p50: '1.1', p99: '1.3' };
  for (const [name, share] of [
    ['min', 0],
    ['p50', 0.5],
    ['p90', 0.9],
    ['p95', 0.95],
    ['p99', 0.99],
    ['max', 1],
  ] as const) {
    const ms = percentile(sorted, share);
    bench.row(name, ms.toFixed(0), (ms / floorMs).toFixed(2), targets[name] ?? '');
  }
}

/** The first append that the owner of this epoch acknowledged. */
function firstAppend(epoch: number): Expectation {
  return {
    what: `an append acknowledged under epoch ${epoch}`,
    otherwise: 'unknown',
    fits: (line) =>
      line.from === 'client' &&
      line.line.event === 'end' &&
      line.line.outcome === 'ok' &&
      line.line.epoch === epoch,
  };
}

/** When the last kill of this server was asked for: from then on it may be gone. */
function killedT(events: readonly LabEvent[], server: string): number {
  const kill = events.findLast(
    (event) => event.event === 'fault' && event.phase === 'requested' && event.target === server,
  );
  return kill!.t;
}
