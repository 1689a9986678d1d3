import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One part of the bench: a table on the terminal, a folder that goes with it, and processes that end with it. */
export class Bench {
  readonly name: string;
  readonly #ending = new AbortController();
  readonly #folders: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Ends what was started for this part. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** A folder of this part; `inMemory` asks for a file system in memory. */
  async folder(inMemory = false): Promise<string> {
    const folder = await mkdtemp(join(inMemory ? '/dev/shm' : tmpdir(), 'arbiter-bench-'));
    this.#folders.push(folder);
    return folder;
  }

  title(what: string): void {
    console.log(`\n${this.name}: ${what}`);
  }

  /** A line of the table: what, then columns of 11 characters. */
  row(what: string, ...columns: readonly string[]): void {
    console.log(`  ${what.padEnd(36)}${columns.map((column) => column.padStart(11)).join('')}`);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}

/** The value below which `share` of the sorted values lie (nearest rank). */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
