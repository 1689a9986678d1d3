import type { LineWaiter } from '../engines/bring-up.ts';
import type { WorldLine } from '../engines/engine.ts';
import { ExpectationMissed } from './expectations.ts';
import type { Recorder } from './recorder.ts';

/** The workload as a scenario sees it. */
export class Client {
  readonly #lines: LineWaiter;
  readonly #recorder: Recorder;

  constructor(lines: LineWaiter, recorder: Recorder) {
    this.#lines = lines;
    this.#recorder = recorder;
  }

  /** Resolves when this many more appends were acknowledged, counted from now. */
  async appending(count = 10): Promise<void> {
    let seen = 0;
    const what = `${count} acknowledged appends`;
    const acknowledged = (line: WorldLine) =>
      line.from === 'client' && line.line.event === 'end' && line.line.outcome === 'ok' && ++seen >= count;
    try {
      await this.#lines.line(acknowledged, 30_000, what);
    } catch (error) {
      const detail = `${seen} were seen`;
      this.#recorder.event({ event: 'expected', what, met: false, otherwise: 'unknown', detail });
      throw new ExpectationMissed(`${(error as Error).message}; ${detail}`);
    }
  }
}
