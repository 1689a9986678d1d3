import type { LineWaiter } from '../engines/bring-up.ts';
import type { ClusterView } from './cluster-view.ts';
import { ExpectationMissed } from './expectations.ts';
import type { Recorder } from './recorder.ts';

export interface Serving {
  server: string;
  epoch: number;
  /** When its service had started, monotonic nanoseconds. */
  t: number;
}

/** Waits for what the servers come to, by their own word. What does not come is an expectation missed. */
export class Waits {
  readonly #view: ClusterView;
  readonly #lines: LineWaiter;
  readonly #recorder: Recorder;
  readonly #patienceMs: number;

  constructor(view: ClusterView, lines: LineWaiter, recorder: Recorder, patienceMs: number) {
    this.#view = view;
    this.#lines = lines;
    this.#recorder = recorder;
    this.#patienceMs = patienceMs;
  }

  async serving(fits: (server: string) => boolean, what: string): Promise<Serving> {
    await this.until(() => this.#view.serving.some(fits), what);
    const server = this.#view.serving.find(fits)!;
    const { epoch, servingT } = this.#view.server(server);
    return { server, epoch, t: servingT };
  }

  /** What is known changes only when a line arrives, so it is looked at again then and at no other time. */
  async until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    try {
      await this.#lines.line(() => holds(), this.#patienceMs, what);
    } catch (error) {
      const roles = this.#view.names.map((name) => `${name} ${this.#view.server(name).role}`).join(', ');
      this.#recorder.event({ event: 'expected', what, met: false, otherwise: 'unknown', detail: roles });
      throw new ExpectationMissed(`${(error as Error).message}; there are: ${roles}`);
    }
  }
}
