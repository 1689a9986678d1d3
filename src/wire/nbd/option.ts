import { Reader, Writer } from '../../bytes/cursor.ts';
import { NBD_LIMIT, NBD_OPT, NBD_OPTS_MAGIC, NBD_REP_MAGIC, NBD_SIZE, nbdOptionName } from './constants.ts';
import { type Broken, broken } from './outcome.ts';

/** An option of a client ("Newstyle negotiation"). */
export function encodeOption(option: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(NBD_SIZE.optionHeader + data.length);
  new Writer(bytes).u64(NBD_OPTS_MAGIC).u32(option).u32(data.length).bytes(data);
  return bytes;
}

/** An export name as an option carries it. Throws RangeError for one that NBD has no room for. */
export function encodeExportName(exportName: string): Uint8Array {
  const name = Buffer.from(exportName, 'utf8');
  if (name.length > NBD_LIMIT.stringBytes) {
    throw new RangeError(`an export name of ${name.length} bytes; NBD has room for ${NBD_LIMIT.stringBytes}`);
  }
  return name;
}

/** NBD_OPT_ABORT: how a client that was refused takes its leave ("Termination of the session"). */
export function optionAbort(): Uint8Array {
  return encodeOption(NBD_OPT.ABORT);
}

export interface OptionReplyHeader {
  type: number;
  lengthBytes: number;
}

/** The head of one reply to the option that was sent last, `NBD_SIZE.optionReplyHeader` bytes. */
export function readOptionReplyHeader(header: Uint8Array, sent: number): OptionReplyHeader | Broken {
  const reader = new Reader(header);
  const magic = reader.u64();
  if (magic !== NBD_REP_MAGIC) {
    return broken('wrong-magic', `an option reply with magic 0x${magic.toString(16)}`);
  }
  const option = reader.u32();
  if (option !== sent) {
    return broken(
      'unexpected-option-reply',
      `a reply to option ${option}, and ${nbdOptionName(sent)} (${sent}) was sent`,
    );
  }
  const type = reader.u32();
  const lengthBytes = reader.u32();
  if (lengthBytes > NBD_LIMIT.optionReplyBytes) {
    return broken(
      'too-large',
      `an option reply of ${lengthBytes} bytes; at most ${NBD_LIMIT.optionReplyBytes} are read`,
    );
  }
  return { type, lengthBytes };
}
