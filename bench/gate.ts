import { fio, type Load, loads } from './fio.ts';
import { type Bench, median } from './report.ts';
import { sparseFile, startGate, startNbdkit } from './servers.ts';
import { join } from 'node:path';

const DATA_BYTES = 256 * 1024 * 1024;
const ROUNDS = 3;
const durable: Load = {
  title: '512 B write + flush, depth 1',
  op: 'write',
  order: 'random',
  blockBytes: 512,
  depth: 1,
  durable: true,
};

/** The gate over files in memory beside nbdkit's file plugin over such a file, under the same fio, in turn. */
export async function run(bench: Bench): Promise<void> {
  const folder = await bench.folder(true);
  const gate = await startGate(folder, DATA_BYTES, bench.signal);
  const image = await sparseFile(join(folder, 'n.img'), DATA_BYTES);
  const nbdkit = await startNbdkit(folder, ['file', image], bench.signal);
  bench.title(
    'requests per second under fio, files in memory; target 1.0 x nbdkit at depth 1, 1.5 x at depth 16',
  );
  bench.row('', 'gate', 'nbdkit', 'ratio');
  for (const load of [...loads, durable]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await fio(load, gate.uri('data@bench.0'), DATA_BYTES));
      theirs.push(await fio(load, nbdkit.uri(), DATA_BYTES));
    }
    const ratios = ours.map((figure, round) => figure / theirs[round]!);
    bench.row(load.title, median(ours).toFixed(0), median(theirs).toFixed(0), median(ratios).toFixed(2));
  }
}
