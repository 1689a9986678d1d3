import { setTimeout as delay } from 'node:timers/promises';
import type { Audit } from '../audit.ts';
import { StorageUnusable } from '../unusable.ts';
import { describeEnding, startTgtd, type Tgtd, type TgtdSettings } from './tgtd.ts';
import type { Ending, TgtdProcess } from './tgtd-process.ts';

/** Pauses between attempts to start one: twice as long each time. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

export interface TgtServerOptions extends TgtdSettings {
  audit: Audit;
  onTrouble(line: string): void;
  /** One begins: it knows of no reservation. Called before anybody can be connected to it. */
  onFresh(): void;
  /** It can be connected to. */
  onServing(): void;
  /** One ended that nobody had ended, and was reaped: what it had not answered has an unknown outcome. */
  onLost(reason: string): void;
}

/** One tgtd at a time; one that ends by itself is replaced. */
export class TgtServer {
  readonly #options: TgtServerOptions;
  #process: TgtdProcess | null = null;
  #serving: Tgtd | null = null;
  #isOpen = false;
  #isClosed = false;

  constructor(options: TgtServerOptions) {
    this.#options = options;
  }

  /** Where the present one listens on loopback; undefined while there is none. */
  get port(): number | undefined {
    return this.#serving?.port;
  }

  /** Starts the first one. Rejects with StorageUnusable when it does not come to serve. */
  async open(): Promise<void> {
    try {
      await this.#start();
      this.#isOpen = true;
    } catch (error) {
      throw new StorageUnusable(`storage: tgtd does not start: ${(error as Error).message}`);
    }
  }

  /** Ends it; resolves when it was reaped. There is nothing that it would have to finish: answers were awaited before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#process?.kill('the storage node stops');
  }

  async #start(): Promise<void> {
    const serving = await startTgtd(this.#options, (process) => this.#begun(process));
    if (serving.process.isOver) throw new Error(describeEnding(await serving.process.ended));
    this.#options.onFresh();
    this.#serving = serving;
    this.#options.onServing();
  }

  #begun(process: TgtdProcess): void {
    const { pid } = process;
    this.#process = process;
    if (pid !== undefined) {
      this.#options.audit.write({ event: 'server-started', pid, area: 'both', epoch: null });
    }
    void process.ended.then((ending) => this.#over(process, ending));
  }

  #over(process: TgtdProcess, ending: Ending): void {
    const { audit, onTrouble, onLost } = this.#options;
    const { code, signal, why } = ending;
    const wasServing = this.#serving?.process === process;
    const byItself = wasServing && !this.#isClosed;
    this.#process = null;
    if (wasServing) this.#serving = null;
    const { pid } = process;
    if (pid !== undefined) {
      audit.write({ event: 'server-ended', pid, area: 'both', epoch: null, code, signal, byItself, why });
    }
    if (!byItself) return;
    const how = `with ${code ?? signal}${why === '' ? '' : ` (${why})`}`;
    onTrouble(`storage: tgtd ended by itself ${how}; another one is started`);
    onLost(`tgtd ended ${how}`);
    if (this.#isOpen) void this.#replace();
  }

  async #replace(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#isClosed; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await this.#start();
      } catch (error) {
        if (this.#isClosed) return;
        this.#options.onTrouble(
          `storage: tgtd cannot be started: ${(error as Error).message}; it is tried again`,
        );
        await delay(pauseMs);
      }
    }
  }
}
