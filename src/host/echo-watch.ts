import type { Clock } from '../ports/clock.ts';

/** In so many parts the patience is taken, so that a machine that stood still is told from a guard that does. */
const PARTS = 4;

/**
 * Notices that a guard does not listen any more, though nothing is wanted of it just now: whatever it is told comes back
 * as an echo, and one that is missing for `patienceMs` is the end of it.
 *
 * Only time in which this process itself ran counts: one that was stopped together with its guard finds echoes that
 * still wait to be read, or are still to be sent.
 */
export class EchoWatch {
  readonly #clock: Clock;
  readonly #partMs: number;
  readonly #silent: () => void;
  #missing = 0;
  #partsOver = 0;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock, patienceMs: number, silent: () => void) {
    this.#clock = clock;
    this.#partMs = patienceMs / PARTS;
    this.#silent = silent;
  }

  sent(): void {
    this.#missing += 1;
    if (this.#disarm === undefined) this.#wait();
  }

  heard(): void {
    this.#missing -= 1;
    this.#partsOver = 0;
    if (this.#missing === 0) this.close();
  }

  close(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#partsOver = 0;
  }

  #wait(): void {
    const dueMs = this.#clock.nowMs() + this.#partMs;
    this.#disarm = this.#clock.at(dueMs, () => {
      const stoodStill = this.#clock.nowMs() - dueMs > this.#partMs;
      this.#partsOver = stoodStill ? 0 : this.#partsOver + 1;
      if (this.#partsOver < PARTS) return this.#wait();
      this.close();
      this.#silent();
    });
  }
}
