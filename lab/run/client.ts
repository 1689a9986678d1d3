import type { LineWaiter } from '../engines/bring-up.ts';
import type { WorldLine } from '../engines/engine.ts';
import { ExpectationMissed } from './expectations.ts';

/** The workload as a scenario sees it. */
export class Client {
  readonly #lines: LineWaiter;

  constructor(lines: LineWaiter) {
    this.#lines = lines;
  }

  /** Resolves when this many more appends were acknowledged, counted from now. */
  async appending(count = 10): Promise<void> {
    let seen = 0;
    const acknowledged = (line: WorldLine) =>
      line.from === 'client' && line.line.event === 'end' && line.line.outcome === 'ok' && ++seen >= count;
    try {
      await this.#lines.line(acknowledged, 30_000, `${count} acknowledged appends`);
    } catch (error) {
      throw new ExpectationMissed(`${(error as Error).message}; ${seen} were seen`);
    }
  }
}
