import type { Part } from '../engine.ts';
import { marked, type MarkedProcess, partOf, signalUntil } from './marked-processes.ts';

/** What can be done to the processes of one member, each thing proved from the process table. */
export class MemberProcesses {
  readonly #name: string;
  readonly #mark: string;
  readonly #stalled = new Set<Part>();
  #frozen = false;

  constructor(name: string, mark: string) {
    this.#name = name;
    this.#mark = mark;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Visitors (deliberate trespass) carry a mark below the member's and are not part of it. */
  async alive(): Promise<MarkedProcess[]> {
    return (await marked(this.#mark)).filter(({ mark }) => mark === this.#mark);
  }

  async kill(): Promise<void> {
    await signalUntil(
      () => this.alive(),
      'SIGKILL',
      () => false,
    );
    this.#stalled.clear();
    this.#frozen = false;
  }

  async freeze(): Promise<void> {
    if ((await this.alive()).length === 0)
      throw new Error(`${this.#name} cannot be frozen: it is not running`);
    this.#frozen = true;
    await signalUntil(() => this.alive(), 'SIGSTOP', isStopped);
  }

  /** Parts that are stalled stay so: the freezer and SIGSTOP are two things, and a thaw undoes one of them. */
  async thaw(): Promise<void> {
    const meant = async () => (await this.alive()).filter((process) => !this.#stalled.has(partOf(process)));
    await signalUntil(meant, 'SIGCONT', goesOn);
    this.#frozen = false;
  }

  async stall(parts: readonly Part[]): Promise<void> {
    const meant = this.#partsIn(parts);
    if ((await meant()).length === 0) throw new Error(`${this.#name} has no ${parts.join(' or ')} to stall`);
    for (const part of parts) this.#stalled.add(part);
    await signalUntil(meant, 'SIGSTOP', isStopped);
  }

  /** Of a frozen member the parts go on when it is thawed. */
  async unstall(parts: readonly Part[]): Promise<void> {
    for (const part of parts) this.#stalled.delete(part);
    if (this.#frozen) return;
    const meant = this.#partsIn(parts);
    await signalUntil(meant, 'SIGCONT', goesOn);
  }

  #partsIn(parts: readonly Part[]): () => Promise<MarkedProcess[]> {
    if (this.#frozen)
      throw new Error(`${this.#name} is frozen: its parts cannot be reached before it is thawed`);
    return async () => (await this.alive()).filter((process) => parts.includes(partOf(process)));
  }
}

function isStopped({ state }: MarkedProcess): boolean {
  return state === 'T';
}

function goesOn({ state }: MarkedProcess): boolean {
  return state !== 'T';
}
