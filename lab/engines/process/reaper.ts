import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programs } from '../programs.ts';
import { MARK, marked, signalUntil } from './marked-processes.ts';

/** Ends every process of a lab (or of all labs, with ''), without naming any: by the mark they carry. */
export async function reapProcesses(labId: string): Promise<number> {
  const prefix = labId === '' ? '' : `${labId}/`;
  const mine = process.env[MARK];
  const find = async () =>
    (await marked(prefix)).filter((p) => p.pid !== process.pid && (mine === undefined || p.mark !== mine));
  return signalUntil(find, 'SIGKILL', () => false);
}

/** The folder of a running lab carries its id, so that `lab down --all` can clear away what a killed one left. */
export async function reapDirectories(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith('arbiter-lab-')) continue;
    const path = join(tmpdir(), name);
    const owner = Number(await readFile(join(path, 'controller.pid'), 'utf8').catch(() => 'NaN'));
    if (Number.isInteger(owner) && !(await isAlive(owner))) await rm(path, { recursive: true, force: true });
  }
}

async function isAlive(pid: number): Promise<boolean> {
  return readFile(`/proc/${pid}/stat`).then(
    () => true,
    () => false,
  );
}

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
