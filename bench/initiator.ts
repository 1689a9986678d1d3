import { execa } from 'execa';
import { join } from 'node:path';
import { IscsiBlockDevice } from '../src/block/iscsi/device.ts';
import { IscsiUnit } from '../src/block/iscsi/unit.ts';
import { parseDeviceUri } from '../src/block/uri.ts';
import { type Load, loads, qemuImgBench, SECONDS } from './fio.ts';
import { DEADLINE_MS, ownClient } from './own-client.ts';
import { type Bench, median } from './report.ts';
import { sparseFile } from './servers.ts';
import { startTgt } from './tgt.ts';

const DATA_BYTES = 256 * 1024 * 1024;
const ROUNDS = 3;

/**
 * The iSCSI initiator beside libiscsi's two programs, on tgt over a file in memory, in turn. Writes as they are, and with
 * forced unit access on both sides.
 */
export async function run(bench: Bench): Promise<void> {
  const folder = await bench.folder(true);
  const uri = await startTgt(folder, await sparseFile(join(folder, 'unit.img'), DATA_BYTES), bench.signal);
  const place = parseDeviceUri(uri);
  if (place.kind !== 'iscsi') throw new Error(`${uri} is no unit of an iSCSI target`);
  await using device = await IscsiBlockDevice.open(place, DEADLINE_MS);
  await using unit = await IscsiUnit.open(place, DEADLINE_MS);
  const info = await unit.describe(DEADLINE_MS);
  // As the others write unless they are told to: what the target does with it then is its affair.
  const plain = {
    sizeBytes: device.sizeBytes,
    read: device.read.bind(device),
    writeDurably: unit.write.bind(unit, info),
  };
  bench.title('requests per second against tgt in memory; target 1.2 x the better of the two');
  bench.row('', 'ours', 'iscsi-perf', 'qemu-img', 'ratio');
  const durable = loads
    .filter(({ op, order }) => op === 'write' && order === 'random')
    .map((load) => ({ ...load, title: `${load.title}, forced`, durable: true }));
  for (const load of [...loads, ...durable]) {
    const ours: number[] = [];
    const perfs: number[] = [];
    const qemus: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await ownClient(load, load.durable === true ? device : plain));
      qemus.push(await qemuImgBench(load, uri, ours[round]!));
      // It knows reads only.
      if (load.op === 'read') perfs.push(await iscsiPerf(load, uri));
    }
    const ratios = ours.map((figure, round) => figure / Math.max(perfs[round] ?? 0, qemus[round]!));
    const perf = perfs.length === 0 ? '-' : median(perfs).toFixed(0);
    bench.row(load.title, median(ours).toFixed(0), perf, median(qemus).toFixed(0), median(ratios).toFixed(2));
  }
}

/** Requests per second of libiscsi's own benchmark, which goes on until it is interrupted. */
async function iscsiPerf(load: Load, uri: string): Promise<number> {
  const shape = ['-m', String(load.depth), '-b', String(load.blockBytes / 512)];
  const order = load.order === 'random' ? ['-r'] : [];
  const { stdout } = await execa(
    'timeout',
    ['-s', 'INT', String(SECONDS + 0.5), 'iscsi-perf', ...shape, ...order, uri],
    { reject: false },
  );
  const averages = [...stdout.matchAll(/iops average (\d+)/g)];
  const average = Number(averages.at(-1)?.[1]);
  if (!(average > 0)) throw new Error(`iscsi-perf said: ${stdout.slice(0, 200)}`);
  return average;
}
