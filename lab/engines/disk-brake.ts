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
  #braked: number | undefined;

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
    const pid = this.#process;
    const { writers } = numbersIn(await this.#run(['on', String(pid), this.#file]));
    this.#braked = pid;
    return `${writers} threads of the target wait in every write to ${this.#file} from here on`;
  }

  async off(): Promise<string> {
    if (this.#braked === undefined || this.#braked !== this.#pid) return 'the target it was put on has ended';
    await this.letGo();
    return 'the target writes again';
  }

  /** Of a target that was killed, too: what makes it wait keeps it from ending, and with it the lock on its files. */
  async letGo(): Promise<void> {
    const pid = this.#braked;
    this.#braked = undefined;
    if (pid !== undefined) await this.#run(['off', String(pid)]);
  }

  /** How many writes wait in the target. */
  async waiting(): Promise<number> {
    return numbersIn(await this.#run(['waiting', String(this.#process)]))['waiting'] ?? 0;
  }

  get #process(): number {
    if (this.#pid === undefined) throw new Error('the storage node has no process of its own for the disk');
    return this.#pid;
  }
}

function numbersIn(text: string): Record<string, number> {
  const pairs = text.split('\n').map((line) => /^(\w+)=(\d+)$/.exec(line));
  return Object.fromEntries(pairs.filter((pair) => pair !== null).map(([, name, n]) => [name, Number(n)]));
}
