import { closeSync, constants, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { StorageUnusable, systemReason } from './unusable.ts';

/** A plain file that holds one area, open for reading and writing. */
export interface ImageFile {
  fd: number;
  path: string;
  sizeBytes: number;
}

/** The smallest logical sector any client of a block device counts on. */
const SECTOR_BYTES = 512;

/**
 * Opens the file of an area, or lays a sparse one of `createBytes` where there is none; one that exists is never
 * changed. Throws StorageUnusable. `role` is for messages: 'quorum' or 'data'.
 */
export function openImage(role: string, path: string, createBytes: number | undefined): ImageFile {
  return asImage(role, path, openOrCreate(role, path, createBytes));
}

/** Opens the file of an area for reading alone. Throws StorageUnusable. */
export function openToRead(role: string, path: string): ImageFile {
  return asImage(role, path, openAs(constants.O_RDONLY, role, path));
}

function asImage(role: string, path: string, fd: number): ImageFile {
  try {
    const stat = fstatSync(fd);
    const fault = !stat.isFile() ? 'is not a plain file' : faultOfSize(stat.size);
    if (fault !== undefined) throw new StorageUnusable(`storage: ${role} file ${path} ${fault}`);
    return { fd, path, sizeBytes: stat.size };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openOrCreate(role: string, path: string, createBytes: number | undefined): number {
  if (createBytes === undefined || existsSync(path)) return openAs(constants.O_RDWR, role, path);
  const fault = faultOfSize(createBytes);
  if (fault !== undefined) throw new StorageUnusable(`storage: ${role} file ${path} to be created ${fault}`);
  return create(role, path, createBytes);
}

function openAs(flags: number, role: string, path: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && flags === constants.O_RDWR;
    const todo = isMissing ? `; --create-${role} BYTES makes one` : '';
    throw new StorageUnusable(`storage: ${role} file ${path}: ${systemReason(error)}${todo}`, {
      cause: error,
    });
  }
}

function create(role: string, path: string, createBytes: number): number {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o644);
    ftruncateSync(fd, createBytes);
    fsyncSync(fd);
    const dir = openSync(dirname(path), constants.O_RDONLY);
    fsyncSync(dir);
    closeSync(dir);
    return fd;
  } catch (error) {
    const reason = systemReason(error);
    throw new StorageUnusable(`storage: creating ${role} file ${path}: ${reason}`, { cause: error });
  }
}

function faultOfSize(bytes: number): string | undefined {
  if (bytes === 0) return 'is empty';
  if (bytes % SECTOR_BYTES !== 0)
    return `has ${bytes} bytes, which is no multiple of a sector's ${SECTOR_BYTES}`;
  return undefined;
}
