import { fio, loads, qemuImgBench } from './fio.ts';
import { openBlockDevice } from '../src/block/open.ts';
import { DEADLINE_MS, ownClient } from './own-client.ts';
import { type Bench, median } from './report.ts';
import { startNbdkit } from './servers.ts';

const DATA_BYTES = 256 * 1024 * 1024;
const ROUNDS = 3;

/** The NBD client, with real buffers and a deadline per request, beside fio's nbd engine and qemu-img, in turn. */
export async function run(bench: Bench): Promise<void> {
  const nbdkit = await startNbdkit(await bench.folder(), ['memory', `${DATA_BYTES}`], bench.signal);
  await using device = await openBlockDevice(nbdkit.uri(), { deadlineMs: DEADLINE_MS });
  bench.title('requests per second against nbdkit memory; target 1.2 x the better of the two');
  bench.row('', 'ours', 'fio', 'qemu-img', 'ratio');
  for (const load of loads) {
    const ours: number[] = [];
    const fios: number[] = [];
    const qemus: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await ownClient(load, device));
      fios.push(await fio(load, nbdkit.uri(), DATA_BYTES));
      qemus.push(await qemuImgBench(load, nbdkit.uri(), ours[round]!));
    }
    const ratios = ours.map((figure, round) => figure / Math.max(fios[round]!, qemus[round]!));
    const figures = [ours, fios, qemus].map((each) => median(each).toFixed(0));
    bench.row(load.title, ...figures, median(ratios).toFixed(2));
  }
}
