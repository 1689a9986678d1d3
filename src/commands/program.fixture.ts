import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** How `arbiter` ended, and what it said. */
export interface Ended {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Runs the real program, as a child. */
export async function arbiter(...argv: readonly string[]): Promise<Ended> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...argv], { reject: false });
  return { exitCode, stdout, stderr };
}

/** Starts it and gives its lines as they come; whoever starts it ends it. */
export function startArbiter(...argv: readonly string[]) {
  return execa(process.execPath, [MAIN, ...argv], { reject: false });
}

/** A folder for the disks of one test file; `remove` belongs in `after`. */
export function scratch(): {
  path: (name: string) => string;
  disk: (name: string, content: number | Uint8Array) => Disk;
  remove: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'arbiter-commands-'));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    disk: (name, content) => {
      writeFileSync(path(name), typeof content === 'number' ? new Uint8Array(content) : content);
      return {
        uri: `file://${path(name)}`,
        bytes: () => readFileSync(path(name)),
        write: (bytes) => writeFileSync(path(name), bytes),
      };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export interface Disk {
  uri: string;
  bytes: () => Buffer;
  write: (bytes: Uint8Array) => void;
}
