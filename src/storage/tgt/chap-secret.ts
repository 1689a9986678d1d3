import { readFileSync, statSync } from 'node:fs';
import { StorageUnusable, systemReason } from '../unusable.ts';
import type { Chap } from './target.ts';

/** tgtd keeps no more of a secret (RFC 7143 asks for 12 bytes at least where nothing else protects the exchange). */
const MOST_SECRET_BYTES = 255;
const LEAST_SECRET_BYTES = 12;

/**
 * A CHAP account whose secret is the one line of a file that others may not use. Throws StorageUnusable; nothing of the
 * secret is in it.
 */
export function readChap(user: string, path: string): Chap {
  const secret = readSecret(path);
  const wrong = (what: string): StorageUnusable =>
    new StorageUnusable(`storage: CHAP secret in ${path}: ${what}`);
  // tgtd takes a name up to a comma, and ends at a zero byte.
  if (!/^[!-~]+$/.test(user) || user.includes(',')) {
    throw new StorageUnusable(
      `storage: CHAP user '${user}': it must be printable, without blanks and commas`,
    );
  }
  if (/[^ -~]/.test(secret)) throw wrong('it must be one line of printable ASCII');
  if (secret.length < LEAST_SECRET_BYTES || secret.length > MOST_SECRET_BYTES) {
    throw wrong(
      `${secret.length} bytes; it has ${LEAST_SECRET_BYTES} to ${MOST_SECRET_BYTES} (RFC 7143, 12.1.3)`,
    );
  }
  return { user, secret };
}

function readSecret(path: string): string {
  try {
    const { mode, uid } = statSync(path);
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new StorageUnusable(
        `storage: CHAP secret in ${path}: others may use it (mode ${shown}), so it is no secret; chmod 600 it`,
      );
    }
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof StorageUnusable) throw error;
    throw new StorageUnusable(`storage: CHAP secret in ${path}: ${systemReason(error)}`, { cause: error });
  }
}
