import { Reader } from '../../../bytes/cursor.ts';
import { NBD_CMD, NBD_CMD_FLAG, NBD_FLAG_C, NBD_INFO, NBD_LIMIT, NBD_OPT } from '../constants.ts';
import { NBD_REP_ERR, NBD_SIZE } from '../constants.ts';
import { Framing } from '../../framing.ts';
import type { ServedExport } from './export.ts';
import { onOption, type OptionStep, oversizedOption, takeOptionHeader, type Wish } from './option.ts';
import type { OptionHeader } from './option.ts';
import { exportNameReply, greetingBytes, infoReply, optionError } from './option-reply.ts';
import type { ServerOutcome, ServerRequest } from './outcome.ts';
import { faultOf, type RequestHeader, takeRequestHeader } from './request.ts';
import { simpleReply } from './simple-reply.ts';
import { injectedByClient, onOptionUnderTls, type TlsMode } from './start-tls.ts';

type Phase =
  | { at: 'client-flags' }
  | { at: 'option' }
  | { at: 'option-data'; header: OptionHeader }
  /** An export was asked for; nothing is read on before it is decided. */
  | { at: 'deciding'; wish: Wish }
  /** TLS is being started: nothing that comes in plain is looked at. */
  | { at: 'tls' }
  | { at: 'request' }
  | { at: 'payload'; header: RequestHeader }
  /** Bytes that nobody wants, then the answer to what they belonged to. */
  | { at: 'skip'; left: number; answer: Uint8Array; after: Phase }
  | { at: 'closed' };

const NOTHING = new Uint8Array(0);

/**
 * The server's side of one NBD connection, fixed newstyle with simple replies: bytes in, outcomes out, no socket.
 * Outcomes are pulled one by one and nothing is parsed ahead, so whoever carries out requests decides how many of them
 * exist at a time.
 */
export class NbdServerWire {
  readonly #input = new Framing();
  readonly #listed: readonly string[];
  readonly #tls: TlsMode;
  #secure = false;
  #phase: Phase = { at: 'client-flags' };
  #noZeroes = false;
  #fixed = false;
  #served: ServedExport | null = null;
  #strict = false;

  /** `listed`: the names that NBD_OPT_LIST shows. */
  constructor(listed: readonly string[], tls: TlsMode = 'off') {
    this.#listed = listed;
    this.#tls = tls;
  }

  get status(): 'negotiating' | 'deciding' | 'serving' | 'closed' {
    if (this.#phase.at === 'closed' || this.#phase.at === 'deciding') return this.#phase.at;
    return this.#served === null ? 'negotiating' : 'serving';
  }

  /** Bytes that were received and not understood yet. */
  get unread(): number {
    return this.#input.available;
  }

  /** Part of a request came in, and its rest is awaited. */
  get midway(): boolean {
    const { at } = this.#phase;
    return at === 'payload' || at === 'skip' || (at === 'request' && this.#input.available > 0);
  }

  /** To be sent before anything else. */
  greeting(): Uint8Array {
    return greetingBytes();
  }

  /** Takes over a chunk: the caller does not change its bytes afterwards. */
  receive(chunk: Uint8Array): void {
    if (this.#phase.at !== 'closed') this.#input.push(chunk);
  }

  /** The next outcome; undefined while more bytes, or a decision, are needed. */
  next(): ServerOutcome | undefined {
    for (;;) {
      const before = this.#phase;
      const outcome = this.#step();
      if (outcome?.kind === 'broken' || outcome?.kind === 'leave') this.#phase = { at: 'closed' };
      if (outcome !== undefined || this.#phase === before) return outcome;
    }
  }

  /** TLS is up, after the outcome `start-tls`: from here on it is what comes out of it that is received. */
  secured(): void {
    if (this.#phase.at !== 'tls') throw new Error(`TLS was not started: the connection is ${this.status}`);
    this.#secure = true;
    this.#phase = { at: 'option' };
  }

  /** The client may use the export it asked for. Returns what to send. */
  admit(served: ServedExport): Uint8Array {
    const { option, asked } = this.#decided();
    if (option === NBD_OPT.INFO) {
      this.#phase = { at: 'option' };
      return infoReply(option, served, asked);
    }
    this.#served = served;
    this.#strict = asked.has(NBD_INFO.BLOCK_SIZE);
    this.#phase = { at: 'request' };
    return option === NBD_OPT.GO ? infoReply(option, served, asked) : exportNameReply(served, this.#noZeroes);
  }

  /**
   * It may not, for a reason of policy that `text` tells people. Returns what to send, after which the client may try
   * another name; null when it asked in the way that cannot be refused but by ending the connection.
   */
  refuse(text: string): Uint8Array | null {
    const { option } = this.#decided();
    if (option === NBD_OPT.EXPORT_NAME) {
      this.#phase = { at: 'closed' };
      return null;
    }
    this.#phase = { at: 'option' };
    return optionError(option, NBD_REP_ERR.POLICY, text);
  }

  #decided(): Wish {
    if (this.#phase.at !== 'deciding') throw new Error(`nothing to decide: the connection is ${this.status}`);
    return this.#phase.wish;
  }

  /** One step: a change of phase, an outcome, both, or neither when bytes are missing. */
  #step(): ServerOutcome | undefined {
    const phase = this.#phase;
    switch (phase.at) {
      case 'client-flags':
        return this.#takeClientFlags();
      case 'option':
        return this.#takeOptionHeader();
      case 'option-data':
        return this.#takeOptionData(phase.header);
      case 'tls':
        return injectedByClient(this.#input.available);
      case 'request':
        return this.#takeRequest(this.#served!);
      case 'payload':
        return this.#takePayload(phase.header);
      case 'skip':
        return this.#skip(phase.left, phase.answer, phase.after);
      case 'deciding':
      case 'closed':
    }
    return undefined;
  }

  #takeClientFlags(): ServerOutcome | undefined {
    const bytes = this.#input.take(NBD_SIZE.clientFlags);
    if (bytes === undefined) return undefined;
    const flags = new Reader(bytes).u32();
    // "the server MUST close the TCP connection if it does not recognize the client's flags"
    if ((flags & ~(NBD_FLAG_C.FIXED_NEWSTYLE | NBD_FLAG_C.NO_ZEROES)) !== 0) {
      return { kind: 'broken', why: `unknown client flags 0x${flags.toString(16)}` };
    }
    this.#noZeroes = (flags & NBD_FLAG_C.NO_ZEROES) !== 0;
    this.#fixed = (flags & NBD_FLAG_C.FIXED_NEWSTYLE) !== 0;
    this.#phase = { at: 'option' };
    return undefined;
  }

  #takeOptionHeader(): ServerOutcome | undefined {
    const header = takeOptionHeader(this.#input);
    if (header === undefined) return undefined;
    if (header === 'broken') return { kind: 'broken', why: 'an option does not begin with IHAVEOPT' };
    if (!this.#fixed && header.option !== NBD_OPT.EXPORT_NAME) {
      return { kind: 'broken', why: `option ${header.option} without fixed newstyle` };
    }
    const byTls = onOptionUnderTls(header, this.#tls, this.#secure);
    if (byTls !== undefined) return this.#follow(byTls);
    if (header.length > NBD_LIMIT.optionBytes) return this.#follow(oversizedOption(header));
    this.#phase = { at: 'option-data', header };
    return undefined;
  }

  #takeOptionData({ option, length }: OptionHeader): ServerOutcome | undefined {
    const data = this.#input.take(length);
    if (data === undefined) return undefined;
    this.#phase = { at: 'option' };
    return this.#follow(onOption(option, data, this.#listed));
  }

  #follow(step: OptionStep): ServerOutcome | undefined {
    if (step.kind === 'outcome') {
      if (step.outcome.kind === 'start-tls') this.#phase = { at: 'tls' };
      return step.outcome;
    }
    if (step.kind === 'skip') {
      this.#phase = { at: 'skip', left: step.length, answer: step.answer, after: { at: 'option' } };
      return undefined;
    }
    const { option, name } = step.wish;
    this.#phase = { at: 'deciding', wish: step.wish };
    const intent = option === NBD_OPT.GO ? 'go' : option === NBD_OPT.INFO ? 'info' : 'export-name';
    return { kind: 'export-wanted', name, intent };
  }

  #takeRequest(served: ServedExport): ServerOutcome | undefined {
    const header = takeRequestHeader(this.#input);
    if (header === undefined) return undefined;
    if (header === 'broken') return { kind: 'broken', why: 'a request does not begin with its magic' };
    if (header.command === NBD_CMD.DISC) return { kind: 'leave', how: 'NBD_CMD_DISC', bytes: NOTHING };
    const fault = faultOf(header, served, this.#strict);
    const payloadBytes = header.command === NBD_CMD.WRITE ? header.length : 0;
    if (fault !== 0) {
      const answer = simpleReply(header.cookie, fault);
      if (payloadBytes === 0) return { kind: 'send', bytes: answer };
      // Where the next request begins is known all the same, so the connection lives.
      this.#phase = { at: 'skip', left: payloadBytes, answer, after: { at: 'request' } };
      return undefined;
    }
    if (payloadBytes === 0) return { kind: 'request', request: requestOf(header, NOTHING) };
    this.#phase = { at: 'payload', header };
    return undefined;
  }

  #takePayload(header: RequestHeader): ServerOutcome | undefined {
    const payload = this.#input.take(header.length);
    if (payload === undefined) return undefined;
    this.#phase = { at: 'request' };
    return { kind: 'request', request: requestOf(header, payload) };
  }

  #skip(left: number, answer: Uint8Array, after: Phase): ServerOutcome | undefined {
    const rest = left - this.#input.discard(left);
    if (rest === left && left > 0) return undefined;
    this.#phase = rest > 0 ? { at: 'skip', left: rest, answer, after } : after;
    return rest > 0 ? undefined : { kind: 'send', bytes: answer };
  }
}

function requestOf(header: RequestHeader, payload: Uint8Array): ServerRequest {
  const op = header.command === NBD_CMD.READ ? 'read' : header.command === NBD_CMD.WRITE ? 'write' : 'flush';
  const { offset, length, cookie, flags } = header;
  return { op, offset, length, fua: (flags & NBD_CMD_FLAG.FUA) !== 0, payload, cookie };
}
