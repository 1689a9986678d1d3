import { fdatasync, read, write } from 'node:fs';
import type { Medium } from './disk.ts';
import type { ImageFile } from './image-file.ts';

/** A plain file as a medium: read and written by this process. */
export class FileMedium implements Medium {
  readonly sizeBytes: number;
  readonly #fd: number;
  /** How many system calls there may be at a time, and who waits for one to end. */
  readonly #most: number;
  #calls = 0;
  readonly #waiting: (() => void)[] = [];

  constructor({ fd, sizeBytes }: ImageFile, { mostCalls = Infinity } = {}) {
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
    this.#most = mostCalls;
  }

  read(offsetBytes: number, into: Uint8Array): Promise<void> {
    return this.#call(() => transfer('read', this.#fd, into, offsetBytes));
  }

  write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    return this.#call(() => transfer('write', this.#fd, bytes, offsetBytes));
  }

  sync(): Promise<void> {
    return this.#call(() => syncFile(this.#fd));
  }

  async #call(act: () => Promise<void>): Promise<void> {
    if (this.#calls >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#calls++;
    try {
      await act();
    } finally {
      // Whoever waits takes over the place, so that nobody who comes now is before him.
      const next = this.#waiting.shift();
      if (next === undefined) this.#calls--;
      else next();
    }
  }
}

/** fdatasync(2). Rejects with the system's error; Linux tells of each lost write once per open file. */
export function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
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
