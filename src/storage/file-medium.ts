import { fdatasync, read, write } from 'node:fs';
import type { Medium } from './disk.ts';
import type { ImageFile } from './image-file.ts';

/** A plain file as a medium: read and written by this process. */
export class FileMedium implements Medium {
  readonly sizeBytes: number;
  readonly #fd: number;

  constructor({ fd, sizeBytes }: ImageFile) {
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
  }

  read(offsetBytes: number, into: Uint8Array): Promise<void> {
    return transfer('read', this.#fd, into, offsetBytes);
  }

  write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    return transfer('write', this.#fd, bytes, offsetBytes);
  }

  sync(): Promise<void> {
    return syncFile(this.#fd);
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
