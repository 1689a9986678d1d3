import { access, constants, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectRoot } from '../engines/programs.ts';

/** A run needs room for its disks and its history; less than this and it is not begun. */
const ROOM_BYTES = 128 * 1024 * 1024;

/** Where runs are kept: LAB_RUNS, otherwise `lab-runs/` beside the code. */
export function runsFolder(): string {
  return process.env['LAB_RUNS'] ?? join(projectRoot, 'lab-runs');
}

/** Whether `folder` has room for one run, in words. Rejects when there is no such folder. */
export async function roomIn(folder: string): Promise<{ enough: boolean; words: string }> {
  const { bavail, bsize } = await statfs(folder);
  const mib = (bytes: number) => Math.floor(bytes / 1024 / 1024);
  return {
    enough: bavail * bsize >= ROOM_BYTES,
    words: `a run needs ${mib(ROOM_BYTES)} MiB and ${folder} has ${mib(bavail * bsize)} MiB free`,
  };
}

/** The folder runs are in, or would be made in: the nearest one above that is there. Rejects when nothing can be made in it. */
export async function whereRunsGo(folder: string): Promise<string> {
  try {
    await access(folder, constants.W_OK);
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
    return whereRunsGo(dirname(folder));
  }
}
