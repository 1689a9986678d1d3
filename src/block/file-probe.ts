import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { DeviceUnusable } from '../ports/block-device.ts';
import type { AlignedMemory } from './aligned-memory.ts';

/** A file or disk that was opened, and what it turned out to be able to do. */
export interface OpenedFile {
  handle: FileHandle;
  sizeBytes: number;
  sectorBytes: number;
  readOnly: boolean;
  /** O_DIRECT: requests pass the page cache of this machine. */
  direct: boolean;
}

/** Every write is on stable storage when it returns (open(2), O_DSYNC). */
const durable = constants.O_DSYNC;
const sectorSizes = [512, 4096];

/** Opens a regular file or a block device, with O_DIRECT where there is one. Throws `DeviceUnusable`. */
export async function openFile(path: string, name: string, memory: AlignedMemory): Promise<OpenedFile> {
  const { handle, readOnly } = await openForWritingIfPossible(path, name, durable);
  try {
    const { sizeBytes, disk } = await measure(handle, name);
    const direct = await openDirect(path, readOnly, disk?.sectorBytes, memory);
    const found = { sizeBytes, readOnly: readOnly || disk?.writeProtected === true };
    if (direct === undefined)
      return { ...found, handle, sectorBytes: disk?.sectorBytes ?? 512, direct: false };
    await handle.close();
    return { ...found, ...direct, direct: true };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openForWritingIfPossible(
  path: string,
  name: string,
  flags: number,
): Promise<{ handle: FileHandle; readOnly: boolean }> {
  try {
    return { handle: await open(path, constants.O_RDWR | flags), readOnly: false };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw cannotOpen(name, cause);
  }
  try {
    return { handle: await open(path, constants.O_RDONLY | flags), readOnly: true };
  } catch (cause) {
    throw cannotOpen(name, cause);
  }
}

function cannotOpen(name: string, cause: unknown): DeviceUnusable {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const known: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'a directory, not a file or disk',
    EACCES: 'no permission to read it',
  };
  return new DeviceUnusable(
    `${name}: cannot be opened: ${known[code] ?? (cause as Error).message}`,
    undefined,
    { cause },
  );
}

interface Measured {
  sizeBytes: number;
  /** Undefined for a regular file. */
  disk: { sectorBytes: number; writeProtected: boolean } | undefined;
}

async function measure(handle: FileHandle, name: string): Promise<Measured> {
  const stat = await handle.stat();
  if (stat.isFile()) return { sizeBytes: stat.size, disk: undefined };
  if (stat.isBlockDevice()) return measureDisk(stat.rdev, name);
  throw new DeviceUnusable(`${name}: neither a regular file nor a block device`);
}

/**
 * A disk's size is 0 for stat(2); sysfs has it, in units of 512 bytes whatever the sectors are. A disk that is write-protected
 * can be opened for writing all the same: only a write fails.
 */
async function measureDisk(rdev: number, name: string): Promise<Measured> {
  const { major, minor } = deviceNumbers(rdev);
  const directory = `/sys/dev/block/${major}:${minor}`;
  try {
    const units = Number(await readFile(`${directory}/size`, 'utf8'));
    const sector = await readFile(`${directory}/queue/logical_block_size`, 'utf8').catch(
      () => readFile(`${directory}/../queue/logical_block_size`, 'utf8'), // a partition
    );
    const writeProtected = (await readFile(`${directory}/ro`, 'utf8')).trim() !== '0';
    return { sizeBytes: units * 512, disk: { sectorBytes: Number(sector), writeProtected } };
  } catch (cause) {
    throw new DeviceUnusable(`${name}: its size cannot be read from ${directory}`, undefined, { cause });
  }
}

/** How Linux packs both numbers into one (makedev(3), glibc). */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const packed = BigInt(rdev);
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & 0xfffff000n);
  const minor = (packed & 0xffn) | ((packed >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

/** With O_DIRECT, and the smallest sector that it takes. Undefined where the file system has none (EINVAL). */
async function openDirect(
  path: string,
  readOnly: boolean,
  diskSectorBytes: number | undefined,
  memory: AlignedMemory,
): Promise<{ handle: FileHandle; sectorBytes: number } | undefined> {
  const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | durable | constants.O_DIRECT;
  const handle = await open(path, flags).catch(() => undefined);
  if (handle === undefined) return undefined;
  for (const sectorBytes of diskSectorBytes === undefined ? sectorSizes : [diskSectorBytes]) {
    if (await canRead(handle, sectorBytes, memory)) return { handle, sectorBytes };
  }
  await handle.close();
  return undefined;
}

/** At an offset that is a multiple of nothing larger. Past the end of a file alignment is checked all the same. */
async function canRead(handle: FileHandle, sectorBytes: number, memory: AlignedMemory): Promise<boolean> {
  const piece = memory.borrow(sectorBytes);
  try {
    await handle.read(piece, 0, sectorBytes, sectorBytes);
    return true;
  } catch {
    return false;
  } finally {
    memory.giveBack(piece);
  }
}
