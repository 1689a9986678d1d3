import { constants, openSync } from 'node:fs';
import { flock } from '../system/flock.ts';

/**
 * Keeps every other agent off this state directory: two of them would end each other's service. There is no giving it
 * back: the kernel does that when this process is gone, however it ended, and not a moment before. Nothing that it
 * starts inherits the lock. Rejects with one line that says what is in the way.
 */
export async function lockState(stateDirectory: string): Promise<void> {
  const fd = openSync(stateDirectory, constants.O_RDONLY | constants.O_DIRECTORY);
  const outcome = await flock(fd, 0).catch((error: Error) => {
    throw new Error(`state: cannot lock ${stateDirectory}: ${error.message}`, { cause: error });
  });
  if (outcome === 'held') throw new Error(`another agent runs with the state directory ${stateDirectory}`);
}
