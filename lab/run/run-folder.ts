import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InfrastructureError } from '../errors.ts';
import { roomIn, runsFolder } from './room.ts';

/** Makes `lab-runs/<time>-<pid>`. Rejects with InfrastructureError where there is no room, or nothing can be written. */
export async function openRunFolder(): Promise<string> {
  const runs = runsFolder();
  const id = new Date().toISOString().replace(/[:T]/g, '-').slice(0, 19) + `-${process.pid}`;
  try {
    await mkdir(runs, { recursive: true });
    const room = await roomIn(runs);
    if (!room.enough)
      throw new InfrastructureError(`${room.words}; make room or set LAB_RUNS to another folder`);
    const directory = join(runs, id);
    await mkdir(directory);
    return directory;
  } catch (error) {
    if (error instanceof InfrastructureError) throw error;
    throw new InfrastructureError(`cannot write a run to ${runs}: ${(error as Error).message}`);
  }
}

/**
 * Lets `latest`, beside the folder, point to it: once there is a verdict in it, so that an interrupted run never stands
 * in for one that came to its end. Changed at once, so that nobody finds it missing.
 */
export async function pointLatestTo(directory: string): Promise<void> {
  const latest = join(dirname(directory), 'latest');
  const next = `${latest}.${process.pid}`;
  await rm(next, { force: true });
  await symlink(basename(directory), next);
  await rename(next, latest);
}
