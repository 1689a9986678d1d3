import { OutOfBounds, Reader } from '../../../bytes/cursor.ts';
import { NBD_LIMIT, NBD_OPT, NBD_OPTS_MAGIC, NBD_REP, NBD_REP_ERR, NBD_SIZE } from '../constants.ts';
import type { Framing } from '../../framing.ts';
import { listReply, optionError, optionReply } from './option-reply.ts';
import type { ServerOutcome } from './outcome.ts';

/** An option that asks for an export; what is answered depends on whether it is admitted. */
export interface Wish {
  option: number;
  name: string;
  /** NBD_INFO_* that the client listed. */
  asked: ReadonlySet<number>;
}

export type OptionStep =
  | { kind: 'outcome'; outcome: ServerOutcome }
  | { kind: 'wish'; wish: Wish }
  /** Skip so many bytes of option data, then send the answer. */
  | { kind: 'skip'; length: number; answer: Uint8Array };

export interface OptionHeader {
  option: number;
  length: number;
}

/** The head of an option, once it is there; 'broken' when it is none. */
export function takeOptionHeader(input: Framing): OptionHeader | 'broken' | undefined {
  const bytes = input.take(NBD_SIZE.optionHeader);
  if (bytes === undefined) return undefined;
  const reader = new Reader(bytes);
  if (reader.u64() !== NBD_OPTS_MAGIC) return 'broken';
  return { option: reader.u32(), length: reader.u32() };
}

/** What to do about an option whose data is longer than any that is understood. */
export function oversizedOption({ option, length }: OptionHeader): OptionStep {
  if (option === NBD_OPT.EXPORT_NAME) return broken(`an export name of ${length} bytes`);
  if (option === NBD_OPT.ABORT) return leave(option);
  const text = `option data of ${length} bytes; at most ${NBD_LIMIT.optionBytes} are read`;
  return { kind: 'skip', length, answer: optionError(option, NBD_REP_ERR.TOO_BIG, text) };
}

/** One whole option. `listed`: the names that anybody may see. */
export function onOption(option: number, data: Uint8Array, listed: readonly string[]): OptionStep {
  switch (option) {
    case NBD_OPT.EXPORT_NAME:
      if (data.length > NBD_LIMIT.stringBytes) return broken(`an export name of ${data.length} bytes`);
      return { kind: 'wish', wish: { option, name: Buffer.from(data).toString('utf8'), asked: new Set() } };
    case NBD_OPT.ABORT:
      return leave(option);
    case NBD_OPT.LIST:
      if (data.length > 0) return error(option, NBD_REP_ERR.INVALID, 'NBD_OPT_LIST has no data');
      return { kind: 'outcome', outcome: { kind: 'send', bytes: listReply(option, listed) } };
    case NBD_OPT.INFO:
    case NBD_OPT.GO:
      return onInfoOrGo(option, data);
    default:
      return error(option, NBD_REP_ERR.UNSUP, `option ${option} is not supported`);
  }
}

function onInfoOrGo(option: number, data: Uint8Array): OptionStep {
  try {
    const reader = new Reader(data);
    const encoded = reader.bytes(reader.u32());
    const asked = new Set(Array.from({ length: reader.u16() }, () => reader.u16()));
    if (reader.remaining > 0) return error(option, NBD_REP_ERR.INVALID, `${reader.remaining} bytes too many`);
    if (encoded.length > NBD_LIMIT.stringBytes) {
      return error(option, NBD_REP_ERR.TOO_BIG, `an export name of ${encoded.length} bytes`);
    }
    return { kind: 'wish', wish: { option, name: Buffer.from(encoded).toString('utf8'), asked } };
  } catch (cause) {
    if (!(cause instanceof OutOfBounds)) throw cause;
    return error(option, NBD_REP_ERR.INVALID, `its ${data.length} bytes end before what they announce`);
  }
}

function error(option: number, type: number, text: string): OptionStep {
  return { kind: 'outcome', outcome: { kind: 'send', bytes: optionError(option, type, text) } };
}

function leave(option: number): OptionStep {
  const bytes = optionReply(option, NBD_REP.ACK);
  return { kind: 'outcome', outcome: { kind: 'leave', how: 'NBD_OPT_ABORT', bytes } };
}

function broken(why: string): OptionStep {
  return { kind: 'outcome', outcome: { kind: 'broken', why } };
}
