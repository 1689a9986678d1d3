import { flock } from '../system/flock.ts';
import { StorageUnusable } from './unusable.ts';

/**
 * Takes an exclusive lock on an open file or directory, which every process that inherits the descriptor keeps too. That
 * it could be taken is the proof that no server process from before can still write.
 *
 * Waits up to `waitMs` for a former holder to go. Rejects with StorageUnusable; `path` is for the message.
 */
export async function lock(fd: number, path: string, waitMs: number, signal?: AbortSignal): Promise<void> {
  const outcome = await flock(fd, waitMs, signal).catch((error: Error) => {
    throw new StorageUnusable(`storage: cannot lock ${path}: ${error.message}`, { cause: error });
  });
  if (outcome === 'taken') return;
  const waited = waitMs > 0 ? ` (waited ${waitMs} ms for it to end)` : '';
  throw new StorageUnusable(`storage: ${path} is in use by another storage process${waited}`);
}
