import { execa } from 'execa';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { programs } from '../lab/engines/programs.ts';

/**
 * `make bench`: the gate against nbdkit's file plugin, over the same kind of file on the same file system, driven by the
 * same fio, in turn. Only the ratios mean anything: absolute times vary by two from run to run.
 */
interface Job {
  title: string;
  flags: string[];
}

const seconds = 2;
const jobs: Job[] = [
  { title: '4 KiB random read, depth 1', flags: ['--rw=randread', '--bs=4k', '--iodepth=1'] },
  { title: '4 KiB random read, depth 16', flags: ['--rw=randread', '--bs=4k', '--iodepth=16'] },
  { title: '4 KiB random write, depth 1', flags: ['--rw=randwrite', '--bs=4k', '--iodepth=1'] },
  { title: '4 KiB random write, depth 16', flags: ['--rw=randwrite', '--bs=4k', '--iodepth=16'] },
  {
    title: '512 B durable write, depth 1',
    flags: ['--rw=randwrite', '--bs=512', '--iodepth=1', '--fsync=1'],
  },
];

const scratch = await mkdtemp(join(tmpdir(), 'arbiter-bench-'));
const controller = new AbortController();
try {
  const gate = await startGate();
  const nbdkit = await startNbdkit();
  console.log(
    'requests per second (fio)'.padEnd(34) +
      'gate'.padStart(9) +
      'nbdkit file'.padStart(13) +
      '  gate/nbdkit',
  );
  for (const job of jobs) {
    // A B A B: both see the same drift of the machine's speed.
    const rounds = [await pair(job, gate, nbdkit), await pair(job, gate, nbdkit)];
    const [ours, theirs] = [mean(rounds.map((r) => r[0])), mean(rounds.map((r) => r[1]))];
    const figures = [
      ours.toFixed(0).padStart(9),
      theirs.toFixed(0).padStart(13),
      (ours / theirs).toFixed(2).padStart(13),
    ];
    console.log(job.title.padEnd(34) + figures.join(''));
  }
} finally {
  controller.abort();
  await rm(scratch, { recursive: true, force: true });
}

async function pair(job: Job, a: string, b: string): Promise<[number, number]> {
  return [await measure(job, a), await measure(job, b)];
}

async function measure({ flags }: Job, uri: string): Promise<number> {
  const { stdout } = await execa('fio', [
    ...['--name=x', '--ioengine=nbd', `--uri=${uri}`, '--size=256m', '--time_based', `--runtime=${seconds}`],
    ...['--ramp_time=0.5', '--randrepeat=0', '--norandommap', '--output-format=json', ...flags],
  ]);
  const parsed = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    jobs: { read: { iops: number }; write: { iops: number } }[];
  };
  const [job] = parsed.jobs;
  if (job === undefined) throw new Error(`fio reported no job for ${uri}`);
  return job.read.iops + job.write.iops;
}

async function startGate(): Promise<string> {
  const socket = join(scratch, 'gate.sock');
  const gate = execa(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', programs.arbiter, 'storage', '--listen', `unix:${socket}`],
      ...['--quorum', join(scratch, 'q.img'), '--create-quorum', '65536', '--state', join(scratch, 'state')],
      ...['--data', join(scratch, 'd.img'), '--create-data', String(256 * 1024 * 1024), '--no-fencing'],
    ],
    // The audit goes to a file, as in a lab; a pipe that nobody reads would stop the gate.
    {
      cancelSignal: controller.signal,
      reject: false,
      stdout: { file: join(scratch, 'audit.jsonl') },
      stderr: 'inherit',
    },
  );
  const uri = `nbd+unix:///data@bench.0?socket=${socket}`;
  await answers(uri, gate);
  return uri;
}

async function startNbdkit(): Promise<string> {
  const socket = join(scratch, 'nbdkit.sock');
  const image = join(scratch, 'n.img');
  await writeFile(image, '');
  await truncate(image, 256 * 1024 * 1024);
  const nbdkit = execa('nbdkit', ['-f', '-U', socket, 'file', image], {
    cancelSignal: controller.signal,
    reject: false,
  });
  const uri = `nbd+unix:///?socket=${socket}`;
  await answers(uri, nbdkit);
  return uri;
}

/** Waits until a stock client can read the size: bounded, and not longer than the server lives. */
async function answers(
  uri: string,
  server: PromiseLike<{ shortMessage?: string | undefined }>,
): Promise<void> {
  const ended = server.then((result) => {
    throw new Error(`${uri} does not answer: ${result.shortMessage ?? 'its server has ended'}`);
  });
  const answering = async () => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { exitCode } = await execa('nbdinfo', ['--size', uri], { reject: false });
      if (exitCode === 0) return;
      await delay(50);
    }
    throw new Error(`${uri} does not answer: still starting`);
  };
  await Promise.race([answering(), ended]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
