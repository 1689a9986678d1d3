import { spawn } from 'node:child_process';

const HELD_BY_ANOTHER = 75;

/**
 * Takes an exclusive lock on an open file or directory, waiting up to `waitMs` for a former holder to go. Node cannot
 * lock, util-linux's `flock` can, and a lock taken by flock(2) belongs to the open file description: this process keeps
 * it when `flock` ends, every process that inherits the descriptor keeps it too, and it is gone when the last of them
 * is, however that ended. Rejects with one line that says why when nobody can say whether the lock is free.
 */
export async function flock(fd: number, waitMs: number, signal?: AbortSignal): Promise<'taken' | 'held'> {
  const wait = waitMs > 0 ? ['-w', (waitMs / 1000).toFixed(3)] : ['-n'];
  const { code, complaint } = await run(
    'flock',
    ['-x', ...wait, '-E', `${HELD_BY_ANOTHER}`, '3'],
    fd,
    signal,
  );
  if (code === 0) return 'taken';
  if (code === HELD_BY_ANOTHER) return 'held';
  throw new Error(complaint);
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
