import { Reader } from '../../bytes/cursor.ts';
import { chunkProblem, readChunk } from './chunk.ts';
import { NBD_SIZE } from './constants.ts';
import type { Framing } from '../framing.ts';
import type { Step } from './negotiation.ts';
import { type Broken, broken } from './outcome.ts';
import { type ChunkHead, readReplyHead } from './reply-head.ts';
import { Reply } from './reply.ts';
import type { Command } from './request.ts';

/** What the next bytes are. */
type Phase =
  | { at: 'reply' }
  | { at: 'payload'; cookie: number; reply: Reply }
  | { at: 'chunk-length'; head: ChunkHead; reply: Reply }
  | { at: 'chunk-data'; head: ChunkHead; reply: Reply; lengthBytes: number };

/** The client's side of the transmission phase: which requests are open, and what becomes of them. */
export class Transmission {
  readonly #structuredReplies: boolean;
  readonly #open = new Map<number, Reply>();
  #phase: Phase = { at: 'reply' };

  constructor(structuredReplies: boolean) {
    this.#structuredReplies = structuredReplies;
  }

  /** Requests without an answer. */
  get unanswered(): number {
    return this.#open.size;
  }

  /** Bytes of replies that are not complete yet. */
  get heldBytes(): number {
    let held = 0;
    for (const reply of this.#open.values()) held += reply.heldBytes;
    return held;
  }

  opened(cookie: number, command: Command): void {
    this.#open.set(cookie, new Reply(command));
  }

  abandon(cookie: number): void {
    this.#open.get(cookie)?.abandon();
  }

  /** Takes the next part of a message. */
  step(input: Framing): Step {
    switch (this.#phase.at) {
      case 'reply':
        return this.#takeHead(input.take(NBD_SIZE.replyHead));
      case 'payload':
        return this.#takePayload(input.take(this.#phase.reply.contentBytes), this.#phase);
      case 'chunk-length':
        return this.#takeChunkLength(input.take(NBD_SIZE.chunkLength), this.#phase);
      default:
        return this.#takeChunk(input.take(this.#phase.lengthBytes), this.#phase);
    }
  }

  #takeHead(bytes: Uint8Array | undefined): Step {
    if (bytes === undefined) return undefined;
    const head = readReplyHead(bytes);
    if (head.kind === 'broken') return head;
    if (head.kind === 'chunk' && !this.#structuredReplies) {
      return broken('unexpected-reply', 'a structured reply, which was not negotiated');
    }
    const reply = this.#open.get(head.cookie);
    if (reply === undefined) return unknownCookie(bytes);
    if (head.kind === 'simple') return this.#takeSimple(head.cookie, head.error, reply);
    this.#phase = { at: 'chunk-length', head, reply };
    return 'nothing';
  }

  /**
   * Once structured replies are agreed to, a read must not be answered like this. Of an error it is plain all the same
   * where it ends; of a success it is not.
   */
  #takeSimple(cookie: number, error: number, reply: Reply): Step {
    if (error === 0 && reply.contentBytes > 0) {
      if (this.#structuredReplies) return broken('unexpected-reply', 'a simple reply to a read');
      this.#phase = { at: 'payload', cookie, reply };
      return 'nothing';
    }
    this.#open.delete(cookie);
    return error === 0
      ? { kind: 'done', cookie, payload: new Uint8Array(0) }
      : { kind: 'failed', cookie, error };
  }

  #takePayload(payload: Uint8Array | undefined, { cookie }: Phase & { at: 'payload' }): Step {
    if (payload === undefined) return undefined;
    this.#phase = { at: 'reply' };
    this.#open.delete(cookie);
    return { kind: 'done', cookie, payload };
  }

  #takeChunkLength(bytes: Uint8Array | undefined, { head, reply }: Phase & { at: 'chunk-length' }): Step {
    if (bytes === undefined) return undefined;
    const lengthBytes = new Reader(bytes).u32();
    const problem = chunkProblem(head, lengthBytes, reply.missingBytes);
    if (problem !== undefined) return problem;
    this.#phase = { at: 'chunk-data', head, reply, lengthBytes };
    return 'nothing';
  }

  #takeChunk(data: Uint8Array | undefined, { head, reply }: Phase & { at: 'chunk-data' }): Step {
    if (data === undefined) return undefined;
    const chunk = readChunk(head.type, data);
    if (chunk.kind === 'broken') return chunk;
    const problem = reply.take(chunk);
    if (problem !== undefined) return problem;
    this.#phase = { at: 'reply' };
    if (!head.done) return 'nothing';
    const end = reply.end(head.cookie);
    if (end.kind !== 'broken') this.#open.delete(head.cookie);
    return end;
  }
}

/** From the head itself, for the cookie of one that is broken may be too large for a number. */
function unknownCookie(head: Uint8Array): Broken {
  const cookie = new Reader(head.subarray(NBD_SIZE.replyHead - 8)).u64();
  return broken('unknown-cookie', `a reply with cookie 0x${cookie.toString(16)}, which no open request has`);
}
