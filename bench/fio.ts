import { execa } from 'execa';

/** One shape of load, for fio, for qemu-img and for our own client. */
export interface Load {
  title: string;
  op: 'read' | 'write';
  order: 'random' | 'sequential';
  blockBytes: number;
  depth: number;
  /** Every write on stable storage before it is answered: by a flush after it, with qemu-img by forced unit access. */
  durable?: boolean;
}

export const loads: readonly Load[] = [
  { title: '4 KiB random read, depth 1', op: 'read', order: 'random', blockBytes: 4096, depth: 1 },
  { title: '4 KiB random read, depth 16', op: 'read', order: 'random', blockBytes: 4096, depth: 16 },
  { title: '4 KiB random write, depth 1', op: 'write', order: 'random', blockBytes: 4096, depth: 1 },
  { title: '4 KiB random write, depth 16', op: 'write', order: 'random', blockBytes: 4096, depth: 16 },
  {
    title: '128 KiB sequential read, depth 4',
    op: 'read',
    order: 'sequential',
    blockBytes: 131_072,
    depth: 4,
  },
  {
    title: '128 KiB sequential write, depth 4',
    op: 'write',
    order: 'sequential',
    blockBytes: 131_072,
    depth: 4,
  },
];

export const SECONDS = 2;

/** Requests per second of fio's nbd engine (libnbd). */
export async function fio(load: Load, uri: string, sizeBytes: number): Promise<number> {
  const rw = `${load.order === 'random' ? 'rand' : ''}${load.op}`;
  const { stdout } = await execa('fio', [
    ...['--name=x', '--ioengine=nbd', `--uri=${uri}`, `--size=${sizeBytes}`, '--time_based'],
    ...[`--runtime=${SECONDS}`, '--ramp_time=0.5', '--randrepeat=0', '--norandommap', '--output-format=json'],
    ...[`--rw=${rw}`, `--bs=${load.blockBytes}`, `--iodepth=${load.depth}`],
    ...(load.durable === true ? ['--fsync=1'] : []),
  ]);
  const parsed = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    jobs: { read: { iops: number }; write: { iops: number } }[];
  };
  const [job] = parsed.jobs;
  if (job === undefined) throw new Error(`fio reported no job for ${uri}`);
  return job.read.iops + job.write.iops;
}

/** Requests per second of `qemu-img bench`: so many requests that they take about as long as the others. */
export async function qemuImgBench(load: Load, uri: string, perSecond: number): Promise<number> {
  const count = Math.max(100, Math.round(perSecond * SECONDS));
  const step = load.order === 'random' ? 7919 * 4096 : load.blockBytes;
  const flags = [
    '-f',
    'raw',
    '-t',
    load.durable === true ? 'writethrough' : 'none',
    '-c',
    `${count}`,
    '-d',
    `${load.depth}`,
    '-s',
    `${load.blockBytes}`,
  ];
  const { stdout } = await execa('qemu-img', [
    ...['bench', ...flags, '-S', `${step}`, ...(load.op === 'write' ? ['-w'] : []), uri],
  ]);
  const seconds = Number(/completed in ([\d.]+) seconds/.exec(stdout)?.[1]);
  if (!(seconds > 0)) throw new Error(`qemu-img bench said: ${stdout}`);
  return count / seconds;
}
