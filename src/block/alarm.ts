/** A ring in vain that is less far off than this is called off, for it would wake an idle process. */
const soonMs = 1000;

/** A timer for many deadlines, most of which are met long before they come. Times are those of `performance.now()`, in ms. */
export class Alarm {
  /** Called when the earliest deadline has come; returns the next one there is, Infinity for none. */
  readonly #ring: (nowMs: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Infinity;
  #delayMs = 0;

  constructor(ring: (nowMs: number) => number) {
    this.#ring = ring;
  }

  /** Rings at `untilMs` or before: then whoever is called finds it still to come, and says so. */
  ringBy(untilMs: number): void {
    if (untilMs < this.#atMs) this.#set(untilMs, performance.now());
  }

  /** There is nothing to ring for at the moment. Where that is so many thousand times a second, no timer is touched. */
  rest(): void {
    if (this.#delayMs < soonMs) this.stop();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#atMs = Infinity;
  }

  #set(atMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#atMs = atMs;
    this.#delayMs = Math.max(0, atMs - nowMs);
    if (atMs < Infinity) this.#timer = setTimeout(() => this.#due(), this.#delayMs);
  }

  #due(): void {
    this.#atMs = Infinity;
    const nowMs = performance.now();
    const nextMs = this.#ring(nowMs);
    if (nextMs < this.#atMs) this.#set(nextMs, nowMs);
  }
}
