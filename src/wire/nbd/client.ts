import { NBD_SIZE } from './constants.ts';
import { Framing } from './framing.ts';
import { answerGreeting } from './greeting.ts';
import {
  GoReplies,
  optionAbort,
  optionGo,
  type OptionReplyHeader,
  readOptionReplyHeader,
} from './option-go.ts';
import { type Broken, broken, type Outcome } from './outcome.ts';
import { type Command, encodeDisconnect, encodeRequest } from './request.ts';
import { readSimpleReply } from './simple-reply.ts';

/** What the next bytes are. */
type Phase =
  | { at: 'greeting' }
  | { at: 'option-reply' }
  | { at: 'option-data'; header: OptionReplyHeader }
  | { at: 'reply' }
  | { at: 'payload'; cookie: bigint; lengthBytes: number }
  | { at: 'closed' }
  | { at: 'dead' };

/** One outcome; 'nothing' for a step without one; undefined when bytes are missing. */
type Step = Outcome | 'nothing' | undefined;

/**
 * The client side of one NBD connection, without the connection: fixed newstyle, NBD_OPT_GO with block sizes, simple
 * replies (NetworkBlockDevice/nbd, doc/proto.md). Bytes go in as they come, outcomes come out as they become complete.
 * Deadlines and lost connections are its user's business; an answer to a request whose user gave up comes out as any.
 */
export class NbdClient {
  readonly #input = new Framing();
  readonly #exportName: string;
  readonly #go = new GoReplies();
  #phase: Phase = { at: 'greeting' };
  #lastCookie = 0n;
  /** Payload bytes that come with success, by the cookie of a request without an answer yet. */
  readonly #unanswered = new Map<bigint, number>();

  /** Throws RangeError for a name that NBD has no room for. */
  constructor(exportName: string) {
    optionGo(exportName);
    this.#exportName = exportName;
  }

  get status(): 'negotiating' | 'ready' | 'closed' | 'dead' {
    switch (this.#phase.at) {
      case 'greeting':
      case 'option-reply':
      case 'option-data':
        return 'negotiating';
      case 'reply':
      case 'payload':
        return 'ready';
      default:
        return this.#phase.at;
    }
  }

  /** Requests without an answer, those included whose user gave up. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  /**
   * A request: its cookie, unique for this connection, and the bytes to send. Only while `ready`. Whether the export
   * takes it (range, alignment, flush, forced unit access) is checked by whoever knows the export.
   */
  issue(command: Command): { cookie: bigint; bytes: Uint8Array } {
    if (this.status !== 'ready')
      throw new Error(`invariant: a request on an NBD connection that is ${this.status}`);
    const cookie = ++this.#lastCookie;
    const bytes = encodeRequest(command, cookie);
    this.#unanswered.set(cookie, command.kind === 'read' ? command.lengthBytes : 0);
    return { cookie, bytes };
  }

  /** The bytes of a clean leave. Whatever comes in afterwards is not looked at. */
  disconnect(): Uint8Array {
    const bytes = this.status === 'ready' ? encodeDisconnect() : optionAbort();
    this.#phase = { at: 'closed' };
    return bytes;
  }

  /** Takes bytes from the server, cut anyhow, and returns whatever became complete. The chunk is not to be changed. */
  receive(chunk: Uint8Array): readonly Outcome[] {
    const outcomes: Outcome[] = [];
    if (this.#phase.at === 'closed' || this.#phase.at === 'dead') return outcomes;
    this.#input.push(chunk);
    for (let step = this.#step(); step !== undefined; step = this.#step()) {
      if (step === 'nothing') continue;
      if (step.kind === 'refused') outcomes.push({ kind: 'send', bytes: this.disconnect() });
      if (step.kind === 'broken') this.#phase = { at: 'dead' };
      outcomes.push(step);
    }
    return outcomes;
  }

  #step(): Step {
    switch (this.#phase.at) {
      case 'greeting':
        return this.#takeGreeting();
      case 'option-reply':
        return this.#takeOptionReply();
      case 'option-data':
        return this.#takeOptionData(this.#phase.header);
      case 'reply':
        return this.#takeReply();
      case 'payload':
        return this.#takePayload(this.#phase.cookie, this.#phase.lengthBytes);
      default:
        return undefined;
    }
  }

  #takeGreeting(): Step {
    const bytes = this.#input.take(NBD_SIZE.greeting);
    if (bytes === undefined) return undefined;
    const answer = answerGreeting(bytes);
    if ('kind' in answer) return answer;
    this.#phase = { at: 'option-reply' };
    // Flags and option in one go: both at once saves a server that delays its acknowledgements a round trip.
    return { kind: 'send', bytes: Buffer.concat([answer, optionGo(this.#exportName)]) };
  }

  #takeOptionReply(): Step {
    const bytes = this.#input.take(NBD_SIZE.optionReplyHeader);
    if (bytes === undefined) return undefined;
    const header = readOptionReplyHeader(bytes);
    if ('kind' in header) return header;
    this.#phase = { at: 'option-data', header };
    return 'nothing';
  }

  #takeOptionData({ type, lengthBytes }: OptionReplyHeader): Step {
    const data = this.#input.take(lengthBytes);
    if (data === undefined) return undefined;
    const result = this.#go.receive(type, data);
    if (result === undefined) {
      this.#phase = { at: 'option-reply' };
      return 'nothing';
    }
    if ('refused' in result) return { kind: 'refused', type: result.refused, text: result.text };
    if ('kind' in result) return result;
    this.#phase = { at: 'reply' };
    return { kind: 'ready', info: result };
  }

  #takeReply(): Step {
    const bytes = this.#input.take(NBD_SIZE.simpleReply);
    if (bytes === undefined) return undefined;
    const reply = readSimpleReply(bytes);
    if ('kind' in reply) return reply;
    const { cookie, error } = reply;
    const lengthBytes = this.#unanswered.get(cookie);
    if (lengthBytes === undefined) return unknownCookie(cookie);
    if (error === 0 && lengthBytes > 0) {
      this.#phase = { at: 'payload', cookie, lengthBytes };
      return 'nothing';
    }
    this.#unanswered.delete(cookie);
    return error === 0
      ? { kind: 'done', cookie, payload: new Uint8Array(0) }
      : { kind: 'failed', cookie, error };
  }

  #takePayload(cookie: bigint, lengthBytes: number): Step {
    const payload = this.#input.take(lengthBytes);
    if (payload === undefined) return undefined;
    this.#phase = { at: 'reply' };
    this.#unanswered.delete(cookie);
    return { kind: 'done', cookie, payload };
  }
}

function unknownCookie(cookie: bigint): Broken {
  return broken('unknown-cookie', `a reply with cookie 0x${cookie.toString(16)}, which no open request has`);
}
