import type { Chunk } from './chunk.ts';
import { NBD_ERROR, NBD_LIMIT } from './constants.ts';
import { type Broken, broken, type Failed, type Outcome } from './outcome.ts';
import type { Command } from './request.ts';

const nothing = new Uint8Array(0);

/**
 * The reply to one request, put together from its chunks ("Structured replies"): contents may come in any order, in any
 * number of pieces, before and after errors. Memory: twice what a read asked for at most, and nothing before a part of
 * it came.
 */
export class Reply {
  /** Bytes of payload that come with success; 0 for all but a read. */
  readonly contentBytes: number;
  readonly #what: string;
  readonly #startBytes: number;
  readonly #endBytes: number;
  #payload: Uint8Array = nothing;
  /** One byte for each of the payload: 1 where contents came. Empty while they came in one piece or not at all. */
  #seen: Uint8Array = nothing;
  #seenBytes = 0;
  #errors = 0;
  #failed: Omit<Failed, 'cookie'> | undefined;
  #errorOffsets: number[] | undefined;
  #abandoned = false;

  constructor(command: Command) {
    this.#what = command.kind;
    this.#startBytes = command.kind === 'flush' ? 0 : command.offsetBytes;
    this.#endBytes = this.#startBytes + lengthOf(command);
    this.contentBytes = command.kind === 'read' ? command.lengthBytes : 0;
  }

  /** Contents that are still to come. */
  get missingBytes(): number {
    return this.contentBytes - this.#seenBytes;
  }

  get heldBytes(): number {
    return this.#payload.length + this.#seen.length;
  }

  /** Nobody waits for it any more: what comes is checked, and not kept. */
  abandon(): void {
    this.#abandoned = true;
    this.#payload = this.#seen = nothing;
  }

  take(chunk: Chunk): Broken | undefined {
    switch (chunk.kind) {
      case 'data':
        return this.#takeContents(chunk.offsetBytes, chunk.bytes.length, chunk.bytes);
      case 'hole':
        return this.#takeContents(chunk.offsetBytes, chunk.lengthBytes);
      case 'error':
        return this.#takeError(chunk);
      default:
        return undefined;
    }
  }

  /** What it comes to, after its last chunk. */
  end(cookie: number): Outcome {
    if (this.#failed !== undefined) return { ...this.#failed, cookie };
    if (this.missingBytes > 0) {
      const text = `the reply to a read of ${this.contentBytes} bytes ended ${this.missingBytes} bytes short`;
      return broken('incomplete-reply', text);
    }
    return { kind: 'done', cookie, payload: this.#payload };
  }

  #takeContents(offsetBytes: number, lengthBytes: number, bytes?: Uint8Array): Broken | undefined {
    const problem = this.#contentsProblem(offsetBytes, lengthBytes);
    if (problem !== undefined) return problem;
    const from = offsetBytes - this.#startBytes;
    this.#seenBytes += lengthBytes;
    if (this.#abandoned) return undefined;
    if (lengthBytes === this.contentBytes) {
      this.#payload = bytes ?? new Uint8Array(lengthBytes);
      return undefined;
    }
    if (this.#payload.length === 0) {
      this.#payload = new Uint8Array(this.contentBytes);
      this.#seen = new Uint8Array(this.contentBytes);
    }
    this.#seen.fill(1, from, from + lengthBytes);
    if (bytes !== undefined) this.#payload.set(bytes, from);
    return undefined;
  }

  /** "MUST lie within the bounds of the original offset and length", "MUST NOT overlap with the bounds of any earlier". */
  #contentsProblem(offsetBytes: number, lengthBytes: number): Broken | undefined {
    const endBytes = offsetBytes + lengthBytes;
    const what = `contents of ${lengthBytes} bytes at ${offsetBytes}`;
    if (lengthBytes === 0) return broken('malformed-chunk', what);
    if (offsetBytes < this.#startBytes || endBytes > this.#endBytes || this.contentBytes === 0) {
      return broken('malformed-chunk', `${what} in the reply to a ${this.#asked()}`);
    }
    const again = this.#seen.length > 0 && this.#seenWithin(offsetBytes, endBytes);
    const afterError = this.#errorOffsets?.some((at) => at >= offsetBytes && at < endBytes) ?? false;
    if (lengthBytes <= this.missingBytes && !again && !afterError) return undefined;
    return broken('malformed-chunk', `${what}, which overlap with an earlier chunk of the same reply`);
  }

  #seenWithin(offsetBytes: number, endBytes: number): boolean {
    return this.#seen.subarray(offsetBytes - this.#startBytes, endBytes - this.#startBytes).includes(1);
  }

  #takeError({ error, text, offsetBytes }: Chunk & { kind: 'error' }): Broken | undefined {
    if (++this.#errors > NBD_LIMIT.errorChunks) {
      return broken('too-large', `more than ${NBD_LIMIT.errorChunks} error chunks in one reply`);
    }
    // A flush is nowhere: an offset of its error means nothing, and the error stands.
    const at = this.#what === 'flush' ? undefined : offsetBytes;
    if (at !== undefined) {
      if (at < this.#startBytes || at >= this.#endBytes) {
        return broken('malformed-chunk', `an error at ${at} in the reply to a ${this.#asked()}`);
      }
      (this.#errorOffsets ??= []).push(at);
    }
    if (this.#failed === undefined || (error === NBD_ERROR.ESHUTDOWN && this.#failed.error !== error)) {
      const where = at === undefined ? {} : { offsetBytes: at };
      this.#failed = { kind: 'failed', error, ...(text !== '' && { text }), ...where };
    }
    return undefined;
  }

  #asked(): string {
    if (this.#what === 'flush') return 'flush';
    return `${this.#what} of ${this.#endBytes - this.#startBytes} bytes at ${this.#startBytes}`;
  }
}

function lengthOf(command: Command): number {
  switch (command.kind) {
    case 'write':
      return command.bytes.length;
    case 'flush':
      return 0;
    default:
      return command.lengthBytes;
  }
}
