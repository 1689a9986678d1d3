import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Grant } from '../ports/audit.ts';
import { formatDataName, parseExportName } from './export-name.ts';
import { StorageUnusable, systemReason } from './unusable.ts';

/** The last grant, kept so that a gate that starts again grants nothing older (PROTOCOL: "makes that grant durable"). */
export interface GrantStore {
  /** Null before the first grant. Throws StorageUnusable: a grant that cannot be read is not the same as none. */
  load(): Promise<Grant | null>;
  /** Resolves when the grant survives a loss of power. */
  save(grant: Grant): Promise<void>;
}

/** One small file in the state directory, replaced whole: after a crash it is the old grant or the new one. */
export class GrantFile implements GrantStore {
  readonly #dir: string;
  readonly path: string;

  constructor(stateDir: string) {
    this.#dir = stateDir;
    this.path = join(stateDir, 'grant.json');
  }

  async load(): Promise<Grant | null> {
    const text = await readIfThere(this.path);
    if (text === null) return null;
    const grant = grantOf(text);
    if (grant !== null) return grant;
    throw new StorageUnusable(
      `storage: the last grant in ${this.path} cannot be read, so nothing can be granted safely; ` +
        `when no server runs, remove the file`,
    );
  }

  async save(grant: Grant): Promise<void> {
    const fresh = `${this.path}.new`;
    const file = await open(fresh, 'w', 0o644);
    try {
      await file.writeFile(`${JSON.stringify({ v: 1, granted: formatDataName(grant) })}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(fresh, this.path);
    // The file's bytes are on the disk; its name is so only when its directory is.
    await syncDirectory(this.#dir);
  }
}

/** Makes the directory where there is none, durably. */
export async function ensureStateDirectory(dir: string): Promise<void> {
  try {
    const made = await mkdir(dir, { recursive: true });
    if (made !== undefined) await syncDirectory(dirname(made));
  } catch (error) {
    throw new StorageUnusable(`storage: state directory ${dir}: ${systemReason(error)}`, { cause: error });
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new StorageUnusable(`storage: the last grant in ${path}: ${systemReason(error)}`, { cause: error });
  }
}

function grantOf(text: string): Grant | null {
  try {
    const kept = JSON.parse(text) as { v?: unknown; granted?: unknown } | null;
    if (kept?.v !== 1 || typeof kept.granted !== 'string') return null;
    const name = parseExportName(kept.granted);
    return name.kind === 'data' ? name.grant : null;
  } catch {
    return null;
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
