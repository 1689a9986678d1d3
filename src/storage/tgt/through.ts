import type { Task } from './task.ts';

/** How long answers are awaited that a reset says are through. They are on loopback already. */
const THROUGH_WITHIN_MS = 2000;

/** Writes under way, so that one can wait until those before a LOGICAL UNIT RESET were heard of. */
export class Through {
  readonly #tasks = new Set<Task>();
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#tasks.size;
  }

  began(task: Task): void {
    this.#tasks.add(task);
  }

  ended(task: Task): void {
    if (!this.#tasks.delete(task)) return;
    for (const look of this.#waiting.splice(0)) look();
  }

  /**
   * The target has ended everything that it had begun before the reset of that number, and its answers come over other
   * connections: resolves when they have. What still lacks data was not begun, and will be refused when it is.
   */
  async before(number: number): Promise<void> {
    const older = (task: Task): boolean => task.number < number && task.missingBytes === 0;
    const until = performance.now() + THROUGH_WITHIN_MS;
    while (performance.now() < until && [...this.#tasks].some(older)) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, THROUGH_WITHIN_MS);
        this.#waiting.push(() => {
          clearTimeout(late);
          resolve();
        });
      });
    }
  }
}
