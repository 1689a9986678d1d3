import { randomBytes } from 'node:crypto';
import { chooseEngine } from '../lab/engines/choose.ts';
import type { Timings } from '../src/protocol/types.ts';
import type { StorageKind } from '../lab/engines/storage.ts';
import { worldSpec } from '../lab/run/defaults.ts';
import { openWorld, type OpenedWorld } from '../lab/run/open-world.ts';
import { Recorder } from '../lab/run/recorder.ts';
import type { Bench } from './report.ts';

export interface BenchWorld extends OpenedWorld {
  recorder: Recorder;
  /** Storage up and area laid out; no server yet. Milliseconds from the beginning. */
  createdMs: number;
}

/** A lab of its own for the bench, on the engine of that name, whose history goes into a folder of the part. */
export async function openBenchWorld(
  bench: Bench,
  engineName: 'process' | 'docker',
  servers: number,
  { timings, storage = 'nbd' }: { timings?: Timings; storage?: StorageKind } = {},
): Promise<BenchWorld> {
  const beganAt = performance.now();
  const directory = await bench.folder();
  const { engine } = await chooseEngine(engineName);
  const recorder = await Recorder.open(directory, () => {});
  const defaults = worldSpec({ servers }, { dir: directory, seed: 1, storage });
  const spec = { ...defaults, labId: randomBytes(4).toString('hex'), timings: timings ?? defaults.timings };
  const opened = await openWorld(`bench-${bench.name}`, spec, engine, recorder, bench.signal);
  return { ...opened, recorder, createdMs: performance.now() - beganAt };
}
