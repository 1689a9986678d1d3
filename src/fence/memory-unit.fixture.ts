import type { BridgedUnit } from './bridged-unit.ts';

interface Begun {
  what: string;
  settle: PromiseWithResolvers<void>;
}

/** A unit in memory, whose answers a test may hold back, or make fail. */
export class MemoryUnit implements BridgedUnit {
  readonly sizeBytes = 64 * 1024 * 1024;
  readonly blockBytes = 512;
  readonly maximumBytes = 32 * 1024 * 1024;
  readonly readOnly = false;
  readonly bytes = Buffer.alloc(this.sizeBytes);
  /** What was asked for, in order. */
  readonly log: string[] = [];
  /** While true nothing is answered. */
  held = false;
  /** What the next requests fail with. */
  failure: Error | undefined;
  readonly waiting: Begun[] = [];
  readonly #listeners = new Set<() => void>();

  async read(offsetBytes: number, into: Uint8Array): Promise<void> {
    await this.#begin(`read ${into.length} at ${offsetBytes}`);
    into.set(this.bytes.subarray(offsetBytes, offsetBytes + into.length));
  }

  async write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void> {
    await this.#begin(`write ${bytes.length} at ${offsetBytes}${durably ? ' durably' : ''}`);
    this.bytes.set(bytes, offsetBytes);
  }

  flush(): Promise<void> {
    return this.#begin('flush');
  }

  /** Resolves when so many wait for their answer. */
  async begun(count: number): Promise<void> {
    while (this.waiting.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#listeners.add(resolve);
      await promise;
    }
  }

  answerAll(failure?: Error): void {
    this.held = false;
    for (const { settle } of this.waiting.splice(0)) {
      if (failure === undefined) settle.resolve();
      else settle.reject(failure);
    }
  }

  async #begin(what: string): Promise<void> {
    this.log.push(what);
    if (this.failure !== undefined) throw this.failure;
    if (!this.held) return;
    const settle = Promise.withResolvers<void>();
    this.waiting.push({ what, settle });
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
    await settle.promise;
  }
}
