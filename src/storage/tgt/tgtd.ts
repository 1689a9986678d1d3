import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { manage } from './management.ts';
import { configure, type TargetOptions } from './target.ts';
import { type Ending, MANAGEMENT_SOCKET, TgtdProcess } from './tgtd-process.ts';

/** A start takes milliseconds; one that takes so long will not come to an end. */
const START_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 5;

export interface TgtdSettings {
  program: string;
  stateDir: string;
  /** Descriptor of `stateDir`: the way to the socket however long the path is (a socket's name has 107 bytes). */
  stateFd: number;
  /** Descriptors of the locked files. */
  quorumFd: number;
  dataFd: number;
  target: Omit<TargetOptions, 'quorumPath' | 'dataPath'>;
}

/** The descriptors as tgtd has them, in this order, from 3 on. */
const INHERITED = { data: 3, quorum: 4 };

/** A tgtd that serves both areas. */
export interface Tgtd {
  process: TgtdProcess;
  /** Where it listens on loopback. */
  port: number;
}

/**
 * Starts and configures a tgtd. `onStarted` is called with the process at once. Rejects with one line when it does not
 * come to serve; by then it was reaped.
 */
export async function startTgtd(
  settings: TgtdSettings,
  onStarted: (process: TgtdProcess) => void,
): Promise<Tgtd> {
  const { program, stateDir, stateFd, quorumFd, dataFd } = settings;
  await rm(join(stateDir, MANAGEMENT_SOCKET), { force: true });
  const process = new TgtdProcess({ program, dir: stateDir, inherited: [dataFd, quorumFd, stateFd] });
  onStarted(process);
  const socketPath = `/proc/self/fd/${stateFd}/${MANAGEMENT_SOCKET}`;
  try {
    const port = await portOf(process, socketPath);
    // What it serves is what is locked: it opens the descriptors that it inherited, whatever their names are by now.
    const paths = {
      quorumPath: `/proc/self/fd/${INHERITED.quorum}`,
      dataPath: `/proc/self/fd/${INHERITED.data}`,
    };
    await configure(socketPath, { ...settings.target, ...paths });
    return { process, port };
  } catch (error) {
    const ending = await process.kill((error as Error).message);
    throw new Error(describeEnding(ending), { cause: error });
  }
}

/** In words; with what it said where that is known. */
export function describeEnding({ code, signal, why }: Ending): string {
  return why === '' ? `it ended with ${code ?? signal}` : why;
}

/** Waits until it answers. It listens at one place, and that is loopback: where it cannot, it would listen everywhere. */
async function portOf(process: TgtdProcess, socketPath: string): Promise<number> {
  const portals = await firstAnswer(process, socketPath);
  const [, digits] = /^Portal: 127\.0\.0\.1:(\d+),\d+\n$/.exec(portals) ?? [];
  if (digits === undefined) throw new Error(`tgtd listens at a wrong place: ${portals.trim() || 'nowhere'}`);
  return Number(digits);
}

async function firstAnswer(process: TgtdProcess, socketPath: string): Promise<string> {
  const until = performance.now() + START_WITHIN_MS;
  for (;;) {
    try {
      return await manage(socketPath, { mode: 'portal', op: 'show' }, START_WITHIN_MS);
    } catch (error) {
      if (process.isOver) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error;
      if (performance.now() > until) {
        throw new Error(`tgtd did not serve within ${START_WITHIN_MS} ms`, { cause: error });
      }
    }
    await delay(LOOK_AGAIN_MS);
  }
}
