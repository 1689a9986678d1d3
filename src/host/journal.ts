import type { Clock } from '../ports/clock.ts';
import type { Journal, JournalEntry, JournalLine } from '../ports/journal.ts';
import type { Sink } from './sink.ts';

export interface JournalSetup {
  clock: Clock;
  node: string;
  incarnation: string;
  /** Lines that wait beyond this are dropped, and counted. */
  maxWaitingBytes?: number;
}

/** Of the default, about twenty thousand lines: hours of them. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** What one write carries at most: a pipe of the usual size. */
const CHUNK_BYTES = 64 * 1024;

/** The journal as JSON lines into a sink. A reader that does not keep up costs lines, and never a heartbeat. */
export class LineJournal implements Journal {
  readonly #sink: Sink;
  readonly #setup: JournalSetup;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  /** The reader is gone for good. */
  #isBroken = false;
  /** The number of the last line, written or dropped. */
  #number = 0;
  #droppedLines = 0;
  /** Of these, not yet told. */
  #untold = 0;
  readonly #idle = new Set<() => void>();

  constructor(sink: Sink, setup: JournalSetup) {
    this.#sink = sink;
    this.#setup = setup;
  }

  /** Lines that were lost so far. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  write(entry: JournalEntry): void {
    if (this.#untold > 0) {
      const told = this.#untold;
      if (this.#enqueue({ event: 'journal-dropped', lines: told }, this.#number + 1)) {
        this.#untold -= told;
        this.#number += 1;
      }
    }
    // After a gap the reader learns of it before it reads on.
    this.#number += 1;
    if (this.#untold > 0 || !this.#enqueue(entry, this.#number)) this.#drop(1);
    this.#pump();
  }

  async flush(deadlineMs: number): Promise<void> {
    if (!this.#isWriting) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#idle.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, deadlineMs);
      this.#idle.add(finish);
    });
  }

  #enqueue(entry: JournalEntry, n: number): boolean {
    const { clock, node, incarnation, maxWaitingBytes = MAX_WAITING_BYTES } = this.#setup;
    const wall = new Date().toISOString();
    const line: JournalLine = { v: 1, n, t: clock.nowNs(), wall, node, incarnation, ...entry };
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    if (this.#isBroken || this.#waitingBytes + bytes.length > maxWaitingBytes) return false;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return true;
  }

  #pump(): void {
    if (this.#isWriting) return;
    const chunk = this.#take();
    if (chunk.length === 0) {
      for (const finish of this.#idle) finish();
      return;
    }
    this.#isWriting = true;
    this.#sink(Buffer.concat(chunk), (error) => {
      this.#isWriting = false;
      if (error !== undefined) this.#failed(error, chunk.length);
      this.#pump();
    });
  }

  #take(): Buffer[] {
    const chunk: Buffer[] = [];
    for (let bytes = 0; this.#waiting.length > 0 && bytes < CHUNK_BYTES;) {
      const line = this.#waiting.shift()!;
      bytes += line.length;
      this.#waitingBytes -= line.length;
      chunk.push(line);
    }
    return chunk;
  }

  #failed(error: Error, lines: number): void {
    this.#drop(lines);
    // A full disk may have room again; a pipe without a reader will not get one.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EIO' || code === 'EDQUOT') return;
    this.#isBroken = true;
    this.#drop(this.#waiting.length);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #drop(lines: number): void {
    this.#droppedLines += lines;
    this.#untold += lines;
  }
}
