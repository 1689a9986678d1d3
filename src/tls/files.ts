import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { TlsUnusable } from './unusable.ts';

/** The text of a file that anybody may read. Throws TlsUnusable. */
export function readPublicFile(path: string): string {
  return read(path);
}

/** The same; undefined when there is no such file. */
export function readPublicFileIfAny(path: string): string | undefined {
  try {
    return readPublicFile(path);
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The text of a file with a secret. Refused as ssh(1) refuses a private key: when it belongs to this user and others
 * may do anything with it. Somebody else's file, made readable for this user, is that one's affair. Throws TlsUnusable.
 */
export function readSecretFile(path: string): string {
  return read(path, ({ mode, uid }) => {
    if (uid !== process.getuid?.() || (mode & 0o077) === 0) return;
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new TlsUnusable(`${path}: others may use it (mode ${shown}), so it is no secret; chmod 600 it`);
  });
}

/**
 * Only of a regular file: a pipe that nobody writes, or a terminal, would hold up everything in this process, and with it
 * the heartbeat. To open one does not, with O_NONBLOCK.
 */
function read(path: string, check?: (stats: Stats) => void): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new TlsUnusable(`${path}: ${kindOf(stats)}, where a file is needed`);
    check?.(stats);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    if (error instanceof TlsUnusable) throw error;
    throw new TlsUnusable(`${path}: ${reasonOf(error as NodeJS.ErrnoException)}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  return stats.isFIFO() ? 'a pipe' : 'a device';
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'no permission to read it';
    default:
      return error.message;
  }
}
