import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../engines/programs.ts';
import { InfrastructureError } from '../errors.ts';
import { askUnixSocket } from './ask.ts';
import { socketOf } from './registry.ts';

/**
 * Starts the controller of lab `id`, `lab` with `argv`, and resolves when it answers; from then on it stays by itself. Rejects with
 * what it said last when it ended instead, and with the reason of `signal` when that is aborted: then nothing of the lab is left.
 */
export async function comesUp(
  id: string,
  argv: readonly string[],
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const said = join(directory, 'controller.log');
  const log = await open(said, 'a');
  const program = ['--disable-warning=ExperimentalWarning', join(projectRoot, 'lab/main.ts')];
  const child = spawn(process.execPath, [...program, ...argv], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const ended = new Promise<'ended'>((resolve) => child.once('exit', () => resolve('ended')));
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  await log.close();
  const how = await Promise.race([ended, answers(id, signal)]);
  if (signal.aborted) {
    child.kill('SIGTERM');
    await ended;
    await rm(directory, { recursive: true });
    signal.throwIfAborted();
  }
  if (how === 'ended') {
    const last = (await readFile(said, 'utf8')).trim().split('\n').at(-1);
    throw new InfrastructureError(`the lab did not come up: ${last}`);
  }
  child.unref();
}

async function answers(id: string, signal: AbortSignal): Promise<void> {
  const socket = await socketOf(id);
  while (!signal.aborted) {
    const answer = await askUnixSocket(socket, 'GET', '/status', undefined, 5000).catch(() => undefined);
    if (answer !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
