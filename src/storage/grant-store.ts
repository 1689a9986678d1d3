import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Grant } from '../ports/audit.ts';
import { formatDataName, parseExportName } from './export-name.ts';
import { replaceFile, syncDirectory } from './replace-file.ts';
import { StorageUnusable, systemReason } from './unusable.ts';

/** What a storage node keeps of its grants. */
export interface Kept {
  /** The last one; null when it was lost, or before the first. */
  readonly granted: Grant | null;
  /** Without a grant: no epoch up to this one may be granted. 0 before the first grant, and beside one. */
  readonly floor: number;
  /** Whose epochs these are; null when an earlier version kept it. */
  readonly clusterId: string | null;
}

/** The last grant, kept so that a gate that starts again grants nothing older (PROTOCOL: "makes that grant durable"). */
export interface GrantStore {
  /** Where it is kept, for messages. */
  readonly path: string;
  /** Null when nothing is kept. Throws StorageUnusable: a grant that cannot be read is not the same as none. */
  load(): Promise<Kept | null>;
  /** Resolves when the grant survives a loss of power. */
  save(kept: Kept): Promise<void>;
}

/**
 * One small file in the state directory, replaced whole: after a crash it is the old grant or the new one. A line of JSON:
 *
 *   {"v":1,"granted":"data@NODE.EPOCH.INCARNATION","cluster":"..."}   `cluster` is missing in files of older versions
 *   {"v":1,"granted":null,"floor":EPOCH,"cluster":"..."}              the last grant was lost; older versions refuse it
 */
export class GrantFile implements GrantStore {
  readonly path: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'grant.json');
  }

  async load(): Promise<Kept | null> {
    const text = await readIfThere(this.path);
    if (text === null) return null;
    const kept = keptIn(text);
    if (kept !== null) return kept;
    throw new StorageUnusable(
      `storage: the last grant in ${this.path} cannot be read, so nothing can be granted safely; ` +
        `when no server runs, remove the file`,
    );
  }

  async save(kept: Kept): Promise<void> {
    await replaceFile(this.path, `${JSON.stringify(fieldsOf(kept))}\n`);
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

interface Fields {
  v: 1;
  granted: string | null;
  floor?: number;
  cluster?: string;
}

function fieldsOf({ granted, floor, clusterId }: Kept): Fields {
  const whose = clusterId === null ? {} : { cluster: clusterId };
  if (granted === null) return { v: 1, granted, floor, ...whose };
  return { v: 1, granted: formatDataName(granted), ...whose };
}

function keptIn(text: string): Kept | null {
  const { v, granted, floor, cluster = null } = parsed(text);
  if (v !== 1 || (cluster !== null && typeof cluster !== 'string')) return null;
  if (granted === null) {
    const isEpoch = Number.isSafeInteger(floor) && (floor as number) >= 0;
    return isEpoch ? { granted, floor: floor as number, clusterId: cluster } : null;
  }
  const name = parseExportName(typeof granted === 'string' ? granted : '');
  return name.kind === 'data' ? { granted: name.grant, floor: 0, clusterId: cluster } : null;
}

function parsed(text: string): { [name in keyof Fields]?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch {
    return {};
  }
}
