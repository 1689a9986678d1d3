/** What a start that fails has to take back, the last first. */
export type Undo = () => unknown;

/** Rejects as `start` does, once everything that it had named by then was taken back. */
export async function orUndone<T>(start: (undo: Undo[]) => Promise<T>): Promise<T> {
  const undo: Undo[] = [];
  try {
    return await start(undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}
