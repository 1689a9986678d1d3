import { execa } from 'execa';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { programs } from '../lab/engines/programs.ts';

/** Servers of the bench, each on a Unix socket, each ended by the signal of its part. */
export interface Server {
  uri(exportName?: string): string;
  socket: string;
  pid: number;
}

/** The gate over files of `dataBytes` in `folder`, fencing off: `data@bench.0` is served to anybody. */
export async function startGate(folder: string, dataBytes: number, signal: AbortSignal): Promise<Server> {
  const socket = join(folder, 'gate.sock');
  const argv = [
    ...['--disable-warning=ExperimentalWarning', programs.arbiter, 'storage', '--listen', `unix:${socket}`],
    ...['--quorum', join(folder, 'q.img'), '--create-quorum', '65536', '--state', join(folder, 'state')],
    ...['--data', join(folder, 'd.img'), '--create-data', String(dataBytes), '--no-fencing'],
  ];
  // The audit goes to a file, as in a lab; a pipe that nobody reads would stop the gate.
  const stdout = { file: join(folder, 'audit.jsonl') };
  return started(
    socket,
    'quorum',
    execa(process.execPath, argv, { ...ending(signal), stdout, stderr: 'inherit' }),
  );
}

/** nbdkit with `plugin` and its arguments. */
export async function startNbdkit(
  folder: string,
  plugin: readonly string[],
  signal: AbortSignal,
): Promise<Server> {
  const socket = join(folder, `nbdkit-${plugin[0]}.sock`);
  return started(socket, '', execa('nbdkit', ['-f', '-U', socket, ...plugin], ending(signal)));
}

export async function sparseFile(path: string, bytes: number): Promise<string> {
  await writeFile(path, '');
  await truncate(path, bytes);
  return path;
}

function ending(cancelSignal: AbortSignal) {
  return { cancelSignal, reject: false, forceKillAfterDelay: 2000 } as const;
}

/** Waits until a stock client can read the size: bounded, and not longer than the server lives. */
async function started(
  socket: string,
  exportName: string,
  running: PromiseLike<{ shortMessage?: string | undefined }> & { pid?: number | undefined },
): Promise<Server> {
  const uri = (name = '') => `nbd+unix:///${name}?socket=${socket}`;
  const ended = running.then((result) => {
    throw new Error(`${socket} does not answer: ${result.shortMessage ?? 'its server has ended'}`);
  });
  const answering = async () => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { exitCode } = await execa('nbdinfo', ['--size', uri(exportName)], { reject: false });
      if (exitCode === 0) return;
      await delay(50);
    }
    throw new Error(`${socket} does not answer: still starting`);
  };
  await Promise.race([answering(), ended]);
  return { uri, socket, pid: running.pid! };
}
