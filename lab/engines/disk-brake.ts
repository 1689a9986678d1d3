import type { WorldLine } from './engine.ts';

/** Runs images/lab/bin/brake where the storage node is, as it; resolves with what it printed. Rejects when it fails. */
export type RunBrake = (argv: readonly string[]) => Promise<string>;

/**
 * Makes the disk of the data area slow, as much as one likes: the server process that the storage node has for it waits in
 * every write, so that what it was told to write queues up in it. Only of a process beside the storage node's own.
 */
export class DiskBrake {
  readonly #run: RunBrake;
  readonly #file: string;
  #pid: number | undefined;

  /** `file`: of the data area, as the server process has it open. */
  constructor(file: string, run: RunBrake) {
    this.#file = file;
    this.#run = run;
  }

  /** To be told of every line: the storage node says which process has the data area's bytes. */
  learn(line: WorldLine): void {
    if (line.from !== 'storage') return;
    const { line: said } = line;
    if (said.event === 'server-started' && said.area !== 'quorum') this.#pid = said.pid;
    if (said.event === 'server-ended' && said.pid === this.#pid) this.#pid = undefined;
  }

  /** Resolves with what was seen that proves it. */
  async on(): Promise<string> {
    const { writers } = numbersIn(await this.#run(['on', this.#process, this.#file]));
    return `${writers} threads of the target wait in every write to ${this.#file} from here on`;
  }

  async off(): Promise<string> {
    if (this.#pid === undefined) return 'the target it was put on has ended';
    await this.#run(['off', this.#process]);
    return 'the target writes again';
  }

  /** How many writes wait in the target. */
  async waiting(): Promise<number> {
    return numbersIn(await this.#run(['waiting', this.#process]))['waiting'] ?? 0;
  }

  get #process(): string {
    if (this.#pid === undefined) throw new Error('the storage node has no process of its own for the disk');
    return String(this.#pid);
  }
}

function numbersIn(text: string): Record<string, number> {
  const pairs = text.split('\n').map((line) => /^(\w+)=(\d+)$/.exec(line));
  return Object.fromEntries(pairs.filter((pair) => pair !== null).map(([, name, n]) => [name, Number(n)]));
}
