import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programs } from '../programs.ts';
import { formatOwner, isGone, ownerOf, parseOwner } from '../owner.ts';
import { marked, type MarkedProcess, signalUntil } from './marked-processes.ts';

/** Ends every process of a lab, without naming any: by the mark they carry. */
export async function reapProcesses(labId: string): Promise<number> {
  return signalUntil(
    () => marked(`${labId}/`),
    'SIGKILL',
    () => false,
  );
}

/** Ends what labs left behind whose controller is certainly gone, and clears their folders away. Counts the processes. */
export async function reapOrphans(): Promise<number> {
  const ended = await signalUntil(orphanProcesses, 'SIGKILL', () => false);
  for (const path of await orphanFolders()) await rm(path, { recursive: true, force: true });
  return ended;
}

export async function orphanProcesses(): Promise<MarkedProcess[]> {
  return (await marked('')).filter(({ owner }) => owner !== undefined && isGone(owner));
}

export async function orphanFolders(): Promise<string[]> {
  const paths = (await readdir(tmpdir()))
    .filter((name) => name.startsWith(FOLDER))
    .map((name) => join(tmpdir(), name));
  const owners = await Promise.all(
    paths.map(async (path) => parseOwner(await readFile(join(path, 'owner'), 'utf8').catch(() => ''))),
  );
  return paths.filter((_, i) => owners[i] !== undefined && isGone(owners[i]));
}

/** A folder for the sockets, disks and output of one lab. It names its owner, so that it can be cleared away. */
export async function labFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), FOLDER));
  await writeFile(join(folder, 'owner'), formatOwner(ownerOf(process.pid)));
  return folder;
}

const FOLDER = 'arbiter-lab-p-';

export interface Reaper {
  /** The lab ended by itself: nothing is left to reap. */
  dismiss(): void;
}

/**
 * A process that outlives a killed controller: it waits for the end of its pipe and then ends the lab. What Ryuk is for
 * containers, for processes.
 */
export function startReaper(labId: string, directory: string): Reaper {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', programs.reaper, labId, directory],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  child.unref();
  child.stdin.on('error', () => {});
  // The pipe must not keep a finished controller alive; its end is what the reaper waits for.
  (child.stdin as unknown as { unref(): void }).unref();
  return {
    dismiss() {
      child.stdin.end('done\n');
    },
  };
}
