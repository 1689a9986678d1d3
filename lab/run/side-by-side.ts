import pLimit from 'p-limit';

/** What is to be said of a scenario waits until its turn, so that a reader is told one scenario after the other. */
class HeldBack {
  #waiting: (() => void)[] | undefined = [];

  say(speak: () => void): void {
    if (this.#waiting === undefined) speak();
    else this.#waiting.push(speak);
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const speak of waiting) speak();
  }
}

/** Runs one scenario over one storage; `say` is for what a reader is told of it meanwhile. */
export type Run<Job, Outcome> = (job: Job, say: (speak: () => void) => void) => Promise<Outcome>;

/**
 * Scenarios that run at the same time, at most `width` of them, begun in their order. One that rejects (its world could
 * not even be written down) or `stop` keeps those that have not begun from beginning: the next would fare no better.
 */
export class SideBySide<Job, Outcome> {
  readonly #running: Map<Job, { told: HeldBack; outcome: Promise<Outcome> }>;
  #stopped: Error | undefined;

  constructor(jobs: readonly Job[], width: number, run: Run<Job, Outcome>) {
    const limit = pLimit(width);
    const begin = (job: Job) => {
      const told = new HeldBack();
      const outcome = limit(async () => {
        if (this.#stopped !== undefined) throw this.#stopped;
        try {
          return await run(job, (speak) => told.say(speak));
        } catch (error) {
          this.stop(error as Error);
          throw error;
        }
      });
      outcome.catch(() => {}); // whose turn never comes is asked about by nobody but over()
      return { told, outcome };
    };
    this.#running = new Map(jobs.map((job) => [job, begin(job)]));
  }

  /** The outcome of a scenario whose turn it is. What was held back of it is said first, the rest as it happens. */
  async turn(job: Job): Promise<Outcome> {
    const { told, outcome } = this.#running.get(job)!;
    told.release();
    return outcome;
  }

  stop(why: Error): void {
    this.#stopped ??= why;
  }

  /** When nothing runs any more: what stopped it, if anything did. */
  async over(): Promise<Error | undefined> {
    await Promise.allSettled([...this.#running.values()].map(({ outcome }) => outcome));
    return this.#stopped;
  }
}
