import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { ensureStateDirectory } from './grant-store.ts';
import { type ImageFile, openImage, openToRead } from './image-file.ts';
import { lock } from './lock.ts';
import { StorageUnusable, systemReason } from './unusable.ts';

/** Where a storage node has its files. */
export interface FileOptions {
  quorumFile: string;
  dataFile: string;
  /** Sizes of the files to be made where there are none. */
  createQuorumBytes?: number;
  createDataBytes?: number;
  /** Directory for what must outlive a restart. */
  stateDir: string;
  /** Opens neither file for writing. */
  readOnly?: boolean;
  /** How long to wait for a former storage process to end. */
  lockWaitMs: number;
  /** Abandons the wait. */
  signal?: AbortSignal;
}

/** Open and locked: every process from before is gone. */
export interface LockedFiles {
  data: ImageFile;
  quorum: ImageFile;
  state: { fd: number; path: string };
}

/**
 * Opens the files of a storage node and takes the locks on them. `opened` is told of every descriptor. Rejects with
 * StorageUnusable.
 */
export async function openLocked(options: FileOptions, opened: (fd: number) => void): Promise<LockedFiles> {
  const keep = <T extends { fd: number }>(file: T): T => {
    opened(file.fd);
    return file;
  };
  const open = options.readOnly === true ? openToRead : openImage;
  const data = keep(open('data', options.dataFile, options.createDataBytes));
  const quorum = keep(open('quorum', options.quorumFile, options.createQuorumBytes));
  if (sameFile(data, quorum)) {
    throw new StorageUnusable(`storage: the quorum and the data area are one file: ${data.path}`);
  }
  await ensureStateDirectory(options.stateDir);
  const state = keep(openDirectory(options.stateDir));
  for (const { fd, path } of [data, quorum, state]) {
    await lock(fd, path, options.lockWaitMs, options.signal);
  }
  return { data, quorum, state };
}

export function closeFiles({ data, quorum, state }: LockedFiles): void {
  for (const { fd } of [data, quorum, state]) closeSync(fd);
}

function sameFile(a: { fd: number }, b: { fd: number }): boolean {
  const [one, other] = [fstatSync(a.fd), fstatSync(b.fd)];
  return one.dev === other.dev && one.ino === other.ino;
}

function openDirectory(path: string): { fd: number; path: string } {
  try {
    return { fd: openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), path };
  } catch (error) {
    throw new StorageUnusable(`storage: state directory ${path}: ${systemReason(error)}`, { cause: error });
  }
}
