import type { FileHandle } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type BlockDevice, OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { AlignedMemory } from './aligned-memory.ts';
import { within } from './deadline.ts';
import { openFile, type OpenedFile } from './file-probe.ts';
import { rangeProblem } from './range.ts';

/** Of one request: it is copied as a whole. */
const maximumBytes = 32 * 1024 * 1024;

/** A regular file, a loop device or a disk of this machine as a block device. It fences nobody. */
export class FileBlockDevice implements BlockDevice {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  /**
   * True: requests pass this machine's page cache (O_DIRECT). False: the file system has no O_DIRECT; writes reach the
   * disk all the same, but reads are answered from the cache, so another machine's writes may not be seen.
   */
  readonly direct: boolean;
  readonly #handle: FileHandle;
  readonly #memory: AlignedMemory;

  /** Rejects with `DeviceUnusable`. */
  static async open(path: string): Promise<FileBlockDevice> {
    const name = pathToFileURL(path).href;
    const memory = new AlignedMemory();
    return new FileBlockDevice(name, await openFile(path, name, memory), memory);
  }

  private constructor(name: string, opened: OpenedFile, memory: AlignedMemory) {
    this.name = name;
    this.sizeBytes = opened.sizeBytes;
    this.sectorBytes = opened.sectorBytes;
    this.readOnly = opened.readOnly;
    this.direct = opened.direct;
    this.#handle = opened.handle;
    this.#memory = memory;
  }

  async read(offsetBytes: number, lengthBytes: number, deadlineMs: number): Promise<Uint8Array> {
    const what = `${this.name}: read of ${lengthBytes} bytes at ${offsetBytes}`;
    this.#requireWithin(what, offsetBytes, lengthBytes);
    return this.#finish(what, deadlineMs, async () => {
      const piece = this.#memory.borrow(lengthBytes);
      try {
        const { bytesRead } = await this.#handle.read(piece, 0, lengthBytes, offsetBytes);
        if (bytesRead < lengthBytes) throw new RequestFailed(`${what} ended after ${bytesRead}`, 'EIO');
        return piece.slice();
      } finally {
        this.#memory.giveBack(piece);
      }
    });
  }

  async writeDurably(offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void> {
    const what = `${this.name}: write of ${bytes.length} bytes at ${offsetBytes}`;
    if (this.readOnly) throw new RequestFailed(`${what} was not tried: it is read-only`, 'EPERM', NOT_TRIED);
    this.#requireWithin(what, offsetBytes, bytes.length);
    await this.#finish(what, deadlineMs, async () => {
      const piece = this.#memory.borrow(bytes.length);
      try {
        piece.set(bytes);
        const { bytesWritten } = await this.#handle.write(piece, 0, bytes.length, offsetBytes);
        if (bytesWritten < bytes.length) throw new OutcomeUnknown(`${what} ended after ${bytesWritten}`);
      } finally {
        this.#memory.giveBack(piece);
      }
    });
  }

  /** Waits for the system calls under way, those of requests past their deadline included. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }

  /** Past its deadline a system call goes on: nothing calls it back. */
  async #finish<T>(what: string, deadlineMs: number, act: () => Promise<T>): Promise<T> {
    const work = act().catch((cause: unknown) => {
      throw named(what, cause);
    });
    return within(
      deadlineMs,
      work,
      () => new OutcomeUnknown(`${what} did not finish within ${Math.round(deadlineMs)} ms`),
    );
  }

  #requireWithin(what: string, offsetBytes: number, lengthBytes: number): void {
    const extent = {
      sizeBytes: this.sizeBytes,
      alignmentBytes: this.direct ? this.sectorBytes : 1,
      maximumBytes,
    };
    const problem = rangeProblem(extent, offsetBytes, lengthBytes);
    if (problem !== undefined)
      throw new RequestFailed(`${what} was not tried: ${problem}`, 'EINVAL', NOT_TRIED);
  }
}

const NOT_TRIED = { effect: 'none' } as const;

function named(what: string, cause: unknown): Error {
  if (cause instanceof RequestFailed || cause instanceof OutcomeUnknown) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
  return new RequestFailed(`${what} failed with ${code}`, code, { cause });
}
