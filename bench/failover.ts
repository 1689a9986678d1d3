import type { JournalLine } from '../src/ports/journal.ts';
import type { Timings } from '../src/protocol/types.ts';
import { missingFor, type StorageKind } from '../lab/engines/storage.ts';
import type { LabEvent } from '../lab/history/events.ts';
import type { Expectation } from '../lab/run/expectations.ts';
import type { Recorder } from '../lab/run/recorder.ts';
import { type Bench, median, percentile } from './report.ts';
import { openBenchWorld } from './worlds.ts';

const timings: Timings = { intervalMs: 100, misses: 5, settleMs: 100, deadlineMs: 60, stopGraceMs: 100 };
const KILLS = 30;

/**
 * From the kill of the active server to the first acknowledged append on the new one, on processes, over the gate and over
 * a target. The floor is what the protocol itself waits for, on average: D, half an interval until the deciding read's
 * turn, and the settle time.
 */
export async function run(bench: Bench): Promise<void> {
  const { intervalMs, misses, settleMs } = timings;
  const floorMs = misses * intervalMs + intervalMs / 2 + 1.12 * settleMs;
  bench.title(
    `kill of the active server to the first acknowledged append on the next, ${KILLS} kills, T = 100 ms, M = 5`,
  );
  bench.row(`floor D + T/2 + 1.12 S`, floorMs.toFixed(0), '1.00');
  for (const storage of await storages()) {
    const { took, parts } = await killAndMeasure(bench, storage);
    bench.row('', 'ms', 'x floor', 'target');
    tell(bench, storage, took, parts, floorMs);
  }
}

/** The gate, and tgt where it is installed. */
async function storages(): Promise<StorageKind[]> {
  const missing = await missingFor('process', 'tgt');
  if (missing.length === 0) return ['nbd', 'tgt'];
  console.log(`  no tgt: ${missing.map(({ program }) => program).join(', ')} is not installed`);
  return ['nbd'];
}

async function killAndMeasure(
  bench: Bench,
  storage: StorageKind,
): Promise<{ took: readonly number[]; parts: readonly Parts[] }> {
  const opened = await openBenchWorld(bench, 'process', 3, { timings, storage });
  const { lab, world, recorder } = opened;
  const took: number[] = [];
  const parts: Parts[] = [];
  try {
    await lab.start(...lab.servers);
    await world.startClient();
    for (let kill = 0; kill < KILLS; kill++) {
      const old = await lab.activeServer();
      await lab.standby();
      await lab.client.appending(20);
      const fault = await lab.fault('kill', old);
      const { epoch } = await lab.takeover({ from: old });
      const appendedT = await lab.eventually(firstAppend(epoch));
      const killedT = killedAt(recorder.events, old);
      took.push((appendedT - killedT) / 1e6);
      parts.push(partsOf(recorder, epoch, killedT, appendedT));
      await fault.heal();
    }
  } finally {
    await opened.close();
    await recorder.close();
  }
  return { took, parts };
}

function tell(
  bench: Bench,
  storage: StorageKind,
  took: readonly number[],
  parts: readonly Parts[],
  floorMs: number,
): void {
  const sorted = [...took].sort((a, b) => a - b);
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
    bench.row(`${storage}: ${name}`, ms.toFixed(0), (ms / floorMs).toFixed(2), targets[name] ?? '');
  }
  for (const name of Object.keys(parts[0]!) as (keyof Parts)[]) {
    const ms = median(parts.map((each) => each[name]));
    bench.row(`  of which, p50: ${name}`, ms.toFixed(0), (ms / floorMs).toFixed(2));
  }
}

/** Where the time went, in ms. */
type Parts = Record<'until decided' | 'claimed and settled' | 'access to data' | 'service up', number>;

/** From the kill to the decision, to the established ownership, to the start of the service, to its first append. */
function partsOf({ lines }: Recorder, epoch: number, killedT: number, appendedT: number): Parts {
  const journal = lines.flatMap((each) => (each.from === 'server' ? [each.line] : []));
  const told = (fits: (line: JournalLine) => boolean): number => {
    const line = journal.find((line) => 'epoch' in line && line.epoch === epoch && fits(line));
    if (line === undefined) throw new Error(`no journal tells how epoch ${epoch} came about`);
    return line.t;
  };
  const decidedT = told(({ event }) => event === 'decided');
  const activeT = told((line) => line.event === 'role' && line.to === 'active');
  const startedT = told((line) => line.event === 'service' && line.phase === 'starting');
  return {
    'until decided': (decidedT - killedT) / 1e6,
    'claimed and settled': (activeT - decidedT) / 1e6,
    'access to data': (startedT - activeT) / 1e6,
    'service up': (appendedT - startedT) / 1e6,
  };
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
function killedAt(events: readonly LabEvent[], server: string): number {
  const kill = events.findLast(
    (event) => event.event === 'fault' && event.phase === 'requested' && event.target === server,
  );
  return kill!.t;
}
