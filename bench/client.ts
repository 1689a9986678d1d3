import { fio, type Load, loads, qemuImgBench, SECONDS } from './fio.ts';
import { openBlockDevice } from '../src/block/open.ts';
import type { BlockDevice } from '../src/ports/block-device.ts';
import { type Bench, median } from './report.ts';
import { startNbdkit } from './servers.ts';

const DATA_BYTES = 256 * 1024 * 1024;
const ROUNDS = 3;
const DEADLINE_MS = 5000;

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

async function ownClient(load: Load, device: BlockDevice): Promise<number> {
  const { blockBytes, depth, op, order } = load;
  const blocks = device.sizeBytes / blockBytes;
  const buffers = Array.from({ length: 16 }, (_, i) => new Uint8Array(blockBytes).fill(i + 1));
  let next = 0;
  let finished = 0;
  const block = () => (order === 'random' ? Math.floor(Math.random() * blocks) : next % blocks);
  const endAt = performance.now() + SECONDS * 1000;
  const beganAt = performance.now();
  const worker = async () => {
    while (performance.now() < endAt) {
      const offset = block() * blockBytes;
      next += 1;
      if (op === 'read') await device.read(offset, blockBytes, DEADLINE_MS);
      else await device.writeDurably(offset, buffers[next % buffers.length]!, DEADLINE_MS);
      finished += 1;
    }
  };
  await Promise.all(Array.from({ length: depth }, worker));
  return finished / ((performance.now() - beganAt) / 1000);
}
