import { writeSync } from 'node:fs';
import type { AuditEntry, AuditLine } from '../ports/audit.ts';

/** Where the gate's record of what it did goes (src/ports/audit.ts). */
export interface Audit {
  /** Resolves nothing and never fails: when it returns, the line is out. */
  write(entry: AuditEntry): void;
  /**
   * For the entries of single requests: the line goes out with the next `flush`, `write` or full buffer, in order.
   * Whoever answers a request flushes first, so that nothing is acknowledged that the record does not show.
   */
  writeSoon(entry: AuditEntry): void;
  flush(): void;
}

/** Monotonic nanoseconds. CLOCK_MONOTONIC is the same in every container of a host. */
export function nowNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

const BUFFER_CHARACTERS = 64 * 1024;

/** Lines of JSON, handed to `out` whole. */
export class AuditLog implements Audit {
  readonly #out: (text: string) => void;
  #pending = '';
  #lines = 0;

  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  write(entry: AuditEntry): void {
    this.writeSoon(entry);
    this.flush();
  }

  writeSoon(entry: AuditEntry): void {
    const line: AuditLine = { v: 1, n: ++this.#lines, t: nowNs(), ...entry };
    this.#pending += `${JSON.stringify(line)}\n`;
    if (this.#pending.length > BUFFER_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#out(text);
  }
}

/**
 * Writes to a file descriptor until all of it is out. A reader that does not keep up stops the gate: it is better that
 * storage waits than that it does something unseen. Throws when nobody can read it any more (EPIPE) or the disk is full.
 */
export function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // A pipe that somebody set non-blocking is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));
