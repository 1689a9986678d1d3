import { fdatasync, read, write } from 'node:fs';
import type { ImageFile } from './image-file.ts';

/** The bytes of one area. Every request is within its size: the wire has seen to that. */
export interface Disk {
  readonly sizeBytes: number;
  /** Fills `into`. Rejects with the system's error. */
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  /**
   * Resolves when the bytes can be read back by everybody; with `durably`, when they are on stable storage (forced
   * unit access). Rejects with the system's error: the bytes may then be there in part.
   */
  write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void>;
  /** Resolves when every write that was resolved before the call is on stable storage. */
  flush(): Promise<void>;
}

/**
 * A plain file. With `whole`, requests that could show each other half done are carried out one after the other: the
 * kernel does not promise that a read beside a write sees all of it or nothing, and a torn record reads as a damaged one.
 */
export class FileDisk implements Disk {
  readonly sizeBytes: number;
  readonly #fd: number;
  readonly #whole: boolean;
  #last: Promise<unknown> = Promise.resolve();
  #syncing: Promise<void> | null = null;
  #syncNext: Promise<void> | null = null;

  constructor(file: ImageFile, { whole = false } = {}) {
    this.#fd = file.fd;
    this.sizeBytes = file.sizeBytes;
    this.#whole = whole;
  }

  read(offsetBytes: number, into: Uint8Array): Promise<void> {
    return this.#inTurn(() => transfer('read', this.#fd, into, offsetBytes));
  }

  async write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void> {
    await this.#inTurn(() => transfer('write', this.#fd, bytes, offsetBytes));
    if (durably) await this.flush();
  }

  /** One fdatasync serves everybody who asked before it began; who asks while it runs gets the next one. */
  flush(): Promise<void> {
    if (this.#syncNext !== null) return this.#syncNext;
    if (this.#syncing === null) return (this.#syncing = this.#sync());
    const next = (): Promise<void> => {
      this.#syncNext = null;
      return (this.#syncing = this.#sync());
    };
    return (this.#syncNext = this.#syncing.then(next, next));
  }

  #sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        this.#syncing = null;
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    if (!this.#whole) return act();
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** All of `bytes`, however many system calls that takes. */
function transfer(how: 'read' | 'write', fd: number, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const goOn = (done: number): void => {
      const moved = (error: Error | null, count: number): void => {
        if (error !== null) reject(error);
        else if (done + count === bytes.length) resolve();
        else if (count > 0) goOn(done + count);
        else reject(new Error(`${how} of ${bytes.length} bytes at ${offsetBytes} ended after ${done}`));
      };
      if (how === 'read') read(fd, bytes, done, bytes.length - done, offsetBytes + done, moved);
      else write(fd, bytes, done, bytes.length - done, offsetBytes + done, moved);
    };
    goOn(0);
  });
}
