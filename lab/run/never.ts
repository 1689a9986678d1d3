import type { Expectation } from './expectations.ts';
import type { Recorder } from './recorder.ts';

interface Forbidden {
  expectation: Expectation;
  fromLine: number;
  /** Undefined: to the end of the scenario. */
  toLine: number | undefined;
}

/** What must not be seen for a while; looked for in the end, over everything the world said meanwhile. */
export class Never {
  readonly #recorder: Recorder;
  readonly #forbidden: Forbidden[] = [];

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** From here on; until the end of the scenario, or until what is returned is called. */
  forbid(expectation: Expectation): () => void {
    const entry: Forbidden = { expectation, fromLine: this.#recorder.lines.length, toLine: undefined };
    this.#forbidden.push(entry);
    return () => void (entry.toLine = this.#recorder.lines.length);
  }

  tellAll(): void {
    for (const { expectation, fromLine, toLine } of this.#forbidden) {
      const seen = this.#recorder.lines.slice(fromLine, toLine).find((line) => expectation.fits(line));
      const what = `never: ${expectation.what}`;
      const detail = seen === undefined ? 'not seen' : JSON.stringify('line' in seen ? seen.line : seen.text);
      const met = seen === undefined;
      this.#recorder.event({ event: 'expected', what, met, otherwise: 'violated', detail });
    }
  }
}
