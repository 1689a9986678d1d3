import { Framing } from '../framing.ts';
import { Negotiation, type Step } from './negotiation.ts';
import { optionAbort } from './option.ts';
import type { Outcome } from './outcome.ts';
import { type Command, encodeDisconnect, encodeRequest, type Room } from './request.ts';
import { Transmission } from './transmission.ts';

/**
 * The client side of one NBD connection, without the connection: newstyle, NBD_OPT_STARTTLS where it is wanted,
 * NBD_OPT_GO with block sizes or what an older server has in its place, structured replies or simple ones (NetworkBlockDevice/nbd, doc/proto.md). Bytes go in as they
 * come, outcomes come out as they become complete. Deadlines and lost connections are its user's business; an answer to
 * a request whose user gave up comes out as any.
 */
export class NbdClient {
  readonly #input = new Framing();
  readonly #negotiation: Negotiation;
  #transmission: Transmission | undefined;
  #end: 'closed' | 'dead' | undefined;
  #lastCookie = 0;

  /**
   * `tls`: no export is asked for before the connection is secured; a server that has no TLS has refused. Throws
   * RangeError for a name that NBD has no room for.
   */
  constructor(exportName: string, { tls = false } = {}) {
    this.#negotiation = new Negotiation(exportName, tls);
  }

  get status(): 'negotiating' | 'ready' | 'closed' | 'dead' {
    return this.#end ?? (this.#transmission === undefined ? 'negotiating' : 'ready');
  }

  /** The export was asked for with NBD_OPT_EXPORT_NAME: a server refuses it by closing the connection, without a word. */
  get unrefusable(): boolean {
    return this.status === 'negotiating' && this.#negotiation.unrefusable;
  }

  /** Requests without an answer, those included whose user gave up. */
  get unanswered(): number {
    return this.#transmission?.unanswered ?? 0;
  }

  /**
   * Bytes received and not given out yet: a part of one message, and contents of reads whose reply is not complete. No
   * more than 8 KiB, one read's length, and twice the length of every read that is open and was not abandoned.
   */
  get heldBytes(): number {
    return this.#input.available + (this.#transmission?.heldBytes ?? 0);
  }

  /** TLS is up, after the outcome `start-tls`. Returns what to send through it; it is what comes out of it that is received. */
  secured(): Uint8Array {
    return this.#negotiation.secured();
  }

  /**
   * A request: its cookie, unique for this connection, and the bytes to send, in memory that `room` gave. Only while
   * `ready`. Whether the export takes it (range, alignment, flags and commands it offers) is checked by whoever knows the
   * export.
   */
  issue(command: Command, room?: Room): { cookie: number; bytes: Uint8Array } {
    if (this.#transmission === undefined || this.#end !== undefined)
      throw new Error(`invariant: a request on an NBD connection that is ${this.status}`);
    const cookie = ++this.#lastCookie;
    const bytes = encodeRequest(command, cookie, room);
    this.#transmission.opened(cookie, command);
    return { cookie, bytes };
  }

  /** Nobody waits for this answer any more. It is still to come, and nothing of it is kept. */
  abandon(cookie: number): void {
    this.#transmission?.abandon(cookie);
  }

  /**
   * The bytes of a clean leave, which "SHOULD wait until there are no inflight requests". Whatever comes in afterwards is
   * not looked at.
   */
  disconnect(): Uint8Array {
    const bytes = this.status === 'ready' ? encodeDisconnect() : optionAbort();
    this.#end = 'closed';
    return bytes;
  }

  /** Takes bytes from the server, cut anyhow, and returns whatever became complete. The chunk is not to be changed. */
  receive(chunk: Uint8Array): readonly Outcome[] {
    const outcomes: Outcome[] = [];
    if (this.#end !== undefined) return outcomes;
    this.#input.push(chunk);
    for (let step = this.#step(); step !== undefined; step = this.#step()) {
      if (step === 'nothing') continue;
      if (step.kind === 'ready') this.#transmission = new Transmission(step.structuredReplies);
      if (step.kind === 'refused' || step.kind === 'no-tls')
        outcomes.push({ kind: 'send', bytes: this.disconnect() });
      if (step.kind === 'broken') this.#end = 'dead';
      outcomes.push(step);
    }
    return outcomes;
  }

  #step(): Step {
    if (this.#end !== undefined) return undefined;
    return (this.#transmission ?? this.#negotiation).step(this.#input);
  }
}
