/** The storage node cannot start, or cannot go on: one line for people, exit code 3. */
export class StorageUnusable extends Error {
  override readonly name = 'StorageUnusable';
}

/** The part of a system error that people can use: `ENOSPC: no space left on device`. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.replace(/, \w+( '.*)?$/s, '');
}
