import type { LabContainer } from './container.ts';

/** A cut ends by itself when nobody keeps it up: the controller that made it may be gone. */
const DEADMAN_S = 120;
const EXTEND_EVERY_MS = 40_000;
const PROGRAM = '/usr/local/lib/arbiter-lab/link';

const wanted = { drop: 'silence', reset: 'refused' } as const;

/**
 * The link between one server and the storage node, cut in the server's holder (images/lab/bin/link): the rules outlive
 * a killed or frozen server, and the server itself has no right to touch them.
 */
export class Link {
  readonly #holder: LabContainer;
  readonly #address: string;
  readonly #port: string;
  #keepUp: NodeJS.Timeout | undefined;
  /** Why a cut ended before it was mended; told when it is mended. */
  #lost: string | undefined;

  constructor(holder: LabContainer, address: string, port: number) {
    this.#holder = holder;
    this.#address = address;
    this.#port = String(port);
  }

  /** Resolves with what was seen that proves it: what a new connection meets, and packets stopped. */
  async cut(how: 'drop' | 'reset'): Promise<string> {
    const seen = await this.#run('cut', how, this.#address, this.#port, String(DEADMAN_S));
    const { probe, packets } = seen;
    if (probe !== wanted[how] || !(Number(packets) > 0)) {
      throw new Error(
        `${this.#holder.name}: cutting (${how}) had no effect: a new connection to ${this.#address}:${this.#port} met ${probe}, not ${wanted[how]}; ${packets} packets stopped`,
      );
    }
    this.#lost = undefined;
    clearInterval(this.#keepUp);
    this.#keepUp = setInterval(() => void this.#extend(), EXTEND_EVERY_MS).unref();
    return `a new connection to ${this.#address}:${this.#port} met ${probe}; ${packets} packets stopped so far`;
  }

  /** Rejects when the cut had ended before, or when a new connection still does not come through. */
  async mend(storageListens: boolean): Promise<string> {
    if (this.#keepUp === undefined) return 'nothing was cut';
    this.release();
    const { was, probe } = await this.#run('mend', this.#address, this.#port);
    if (was !== 'cut')
      throw new Error(
        `${this.#holder.name}: the cut had ended by itself before it was mended${this.#lost ?? ''}`,
      );
    if (storageListens && probe !== 'connected') {
      throw new Error(
        `${this.#holder.name}: mended, and yet a new connection to ${this.#address}:${this.#port} met ${probe}`,
      );
    }
    return storageListens ? `a new connection is ${probe}` : 'mended; the storage node is not running';
  }

  /** Stops keeping a cut up. */
  release(): void {
    clearInterval(this.#keepUp);
    this.#keepUp = undefined;
  }

  async #extend(): Promise<void> {
    try {
      await this.#run('extend', String(DEADMAN_S));
    } catch (error) {
      this.#lost ??= `: ${(error as Error).message}`;
    }
  }

  async #run(...argv: string[]): Promise<Record<string, string>> {
    const { code, stdout, stderr } = await this.#holder.exec([PROGRAM, ...argv]);
    if (code !== 0)
      throw new Error(
        `${this.#holder.name}: link ${argv[0]} ended with ${code}: ${stderr.trim() || stdout.trim()}`,
      );
    return Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
  }
}
