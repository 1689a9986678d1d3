import { NBD_OPT, NBD_REP_ERR, NBD_SIZE } from './constants.ts';
import type { ExportInfo } from './export-info.ts';
import type { Framing } from '../framing.ts';
import { answerGreeting } from './greeting.ts';
import { optionExportName, readExportReply } from './option-export-name.ts';
import { GoReplies, optionGo } from './option-go.ts';
import { optionStructuredReply, readStructuredReplyAnswer } from './option-structured-reply.ts';
import { encodeExportName, type OptionReplyHeader, readOptionReplyHeader } from './option.ts';
import type { Outcome } from './outcome.ts';
import { serverText } from './server-text.ts';
import { injectedPlaintext, olderThanTls, optionStartTls, onStartTlsReply } from './start-tls.ts';

/** What the next bytes are. */
type Phase =
  | { at: 'greeting' }
  | { at: 'option-reply'; to: number }
  | { at: 'option-data'; to: number; header: OptionReplyHeader }
  /** TLS is being started by whoever has the socket: nothing that comes in plain is for this connection. */
  | { at: 'tls' }
  /** The answer to NBD_OPT_EXPORT_NAME, which has a form of its own. */
  | { at: 'export' };

/** One outcome; 'nothing' for a step without one; undefined when bytes are missing. */
export type Step = Outcome | 'nothing' | undefined;

/**
 * The client's side of a negotiation: NBD_OPT_STARTTLS where it is wanted, NBD_OPT_STRUCTURED_REPLY, which a server may refuse, then NBD_OPT_GO, and in its
 * place NBD_OPT_EXPORT_NAME where a server knows no better. One option at a time: "The client MUST NOT send any option
 * until it has received a final reply to any option it has sent".
 */
export class Negotiation {
  readonly #exportName: string;
  readonly #tls: boolean;
  readonly #go = new GoReplies();
  #phase: Phase = { at: 'greeting' };
  #structuredReplies = false;
  #noZeroes = false;

  /** Throws RangeError for a name that NBD has no room for. */
  constructor(exportName: string, tls: boolean) {
    encodeExportName(exportName);
    this.#exportName = exportName;
    this.#tls = tls;
  }

  /** The server knows no NBD_OPT_GO and was asked in the way that it can only refuse by closing. */
  get unrefusable(): boolean {
    return this.#phase.at === 'export';
  }

  /** Options begin anew under TLS: nothing was asked in plain. Returns what to send through it. */
  secured(): Uint8Array {
    if (this.#phase.at !== 'tls') throw new Error(`invariant: TLS on a connection that did not ask for it`);
    return this.#next(NBD_OPT.STRUCTURED_REPLY);
  }

  /** Takes the next message. After `ready`, `no-tls`, `refused` and `broken` it is over. */
  step(input: Framing): Step {
    switch (this.#phase.at) {
      case 'greeting':
        return this.#takeGreeting(input.take(NBD_SIZE.greeting));
      case 'option-reply':
        return this.#takeReply(input.take(NBD_SIZE.optionReplyHeader), this.#phase.to);
      case 'option-data':
        return this.#takeData(
          input.take(this.#phase.header.lengthBytes),
          this.#phase.to,
          this.#phase.header.type,
        );
      case 'tls':
        return injectedPlaintext(input.available);
      default:
        return this.#takeExport(
          input.take(NBD_SIZE.exportReply + (this.#noZeroes ? 0 : NBD_SIZE.exportReplyZeroes)),
        );
    }
  }

  #takeGreeting(bytes: Uint8Array | undefined): Step {
    if (bytes === undefined) return undefined;
    const greeted = answerGreeting(bytes);
    if ('kind' in greeted) return greeted;
    this.#noZeroes = greeted.noZeroes;
    if (this.#tls)
      return greeted.fixedNewstyle ? this.#send(NBD_OPT.STARTTLS, greeted.answer) : olderThanTls();
    // Flags and option in one go: both at once saves a server that delays its acknowledgements a round trip.
    return this.#send(greeted.fixedNewstyle ? NBD_OPT.STRUCTURED_REPLY : NBD_OPT.EXPORT_NAME, greeted.answer);
  }

  #takeReply(bytes: Uint8Array | undefined, to: number): Step {
    if (bytes === undefined) return undefined;
    const header = readOptionReplyHeader(bytes, to);
    if ('kind' in header) return header;
    this.#phase = { at: 'option-data', to, header };
    return 'nothing';
  }

  #takeData(data: Uint8Array | undefined, to: number, type: number): Step {
    if (data === undefined) return undefined;
    if (to === NBD_OPT.STARTTLS) {
      const answer = onStartTlsReply(type, data);
      if (answer.kind === 'start-tls') this.#phase = { at: 'tls' };
      return answer;
    }
    return to === NBD_OPT.GO ? this.#takeGo(data, type) : this.#takeStructuredReply(data, type);
  }

  #takeStructuredReply(data: Uint8Array, type: number): Step {
    const answer = readStructuredReplyAnswer(type, data);
    if (answer === 'leave') return { kind: 'refused', type, text: serverText(data) };
    if (typeof answer !== 'boolean') return answer;
    this.#structuredReplies = answer;
    return this.#send(NBD_OPT.GO);
  }

  #takeGo(data: Uint8Array, type: number): Step {
    if (type === NBD_REP_ERR.UNSUP) return this.#send(NBD_OPT.EXPORT_NAME);
    const result = this.#go.receive(type, data);
    if (result === undefined) {
      this.#phase = { at: 'option-reply', to: NBD_OPT.GO };
      return 'nothing';
    }
    if ('refused' in result) return { kind: 'refused', type: result.refused, text: result.text };
    return 'kind' in result ? result : this.#ready(result);
  }

  #takeExport(bytes: Uint8Array | undefined): Step {
    if (bytes === undefined) return undefined;
    const info = readExportReply(bytes);
    return 'kind' in info ? info : this.#ready(info);
  }

  #ready(info: ExportInfo): Outcome {
    return { kind: 'ready', info, structuredReplies: this.#structuredReplies };
  }

  #send(option: number, before: Uint8Array = new Uint8Array(0)): Outcome {
    return { kind: 'send', bytes: Buffer.concat([before, this.#next(option)]) };
  }

  /** The option, whose reply is awaited from here on. */
  #next(option: number): Uint8Array {
    this.#phase = option === NBD_OPT.EXPORT_NAME ? { at: 'export' } : { at: 'option-reply', to: option };
    return this.#encode(option);
  }

  #encode(option: number): Uint8Array {
    switch (option) {
      case NBD_OPT.GO:
        return optionGo(this.#exportName);
      case NBD_OPT.STARTTLS:
        return optionStartTls();
      case NBD_OPT.STRUCTURED_REPLY:
        return optionStructuredReply();
      default:
        return optionExportName(this.#exportName);
    }
  }
}
