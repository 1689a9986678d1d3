import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';

/** Labs that are up, by hand, on this machine and of this user: one control socket each, named for the lab's id. */
async function registryDirectory(): Promise<string> {
  const directory = join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `arbiter-lab-${userInfo().uid}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}

export async function socketOf(labId: string): Promise<string> {
  return join(await registryDirectory(), `${labId}.sock`);
}

export async function labsUp(): Promise<string[]> {
  const files = await readdir(await registryDirectory());
  return files.filter((file) => file.endsWith('.sock')).map((file) => file.slice(0, -'.sock'.length));
}

/** The lab a command is meant for: the one named, or the only one. */
export async function theLab(named: string | undefined): Promise<string> {
  const up = await labsUp();
  if (named !== undefined) {
    if (!up.includes(named)) throw new UsageError(`no lab ${named} is up; ${listed(up)}`);
    return named;
  }
  if (up.length === 1) return up[0]!;
  throw new UsageError(
    up.length === 0 ? 'no lab is up; start one with: lab up' : `say which with --lab; ${listed(up)}`,
  );
}

function listed(up: readonly string[]): string {
  return up.length === 0 ? 'none is; start one with: lab up' : `up are: ${up.join(', ')}`;
}
