import { spawn } from 'node:child_process';
import { StorageUnusable } from './unusable.ts';

const HELD_BY_ANOTHER = 75;

/**
 * Takes an exclusive lock on an open file or directory. Node cannot lock, util-linux's `flock` can, and a lock taken by
 * flock(2) belongs to the open file description: this process keeps it when `flock` ends, every process that inherits
 * the descriptor keeps it too, and it is gone when the last of them is. That is the proof that no server process from
 * before can still write.
 *
 * Waits up to `waitMs` for a former holder to go. Rejects with StorageUnusable; `path` is for the message.
 */
export async function lock(fd: number, path: string, waitMs: number, signal?: AbortSignal): Promise<void> {
  const wait = waitMs > 0 ? ['-w', (waitMs / 1000).toFixed(3)] : ['-n'];
  const argv = ['-x', ...wait, '-E', String(HELD_BY_ANOTHER), '3'];
  const { code, complaint } = await run('flock', argv, fd, signal);
  if (code === 0) return;
  if (code === HELD_BY_ANOTHER) {
    const waited = waitMs > 0 ? ` (waited ${waitMs} ms for it to end)` : '';
    throw new StorageUnusable(`storage: ${path} is in use by another storage process${waited}`);
  }
  throw new StorageUnusable(`storage: cannot lock ${path}: ${complaint}`);
}

function run(
  program: string,
  argv: string[],
  fd: number,
  signal: AbortSignal | undefined,
): Promise<{ code: number | null; complaint: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      ...(signal === undefined ? {} : { signal }),
    });
    let complaint = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'ENOENT' ? `the program '${program}' (util-linux) is missing` : error.message;
      resolve({ code: null, complaint: why });
    });
    child.once('close', (code, killed) => {
      resolve({ code, complaint: complaint.trim() || `${program} ended with ${code ?? killed}` });
    });
  });
}
