import { Reader } from '../../bytes/cursor.ts';
import { NBD_SIMPLE_REPLY_MAGIC, NBD_STRUCTURED_REPLY_MAGIC } from './constants.ts';
import { type Broken, broken } from './outcome.ts';

export interface SimpleReply {
  cookie: bigint;
  /** 0: it succeeded, and the payload of a read follows. Otherwise nothing follows. */
  error: number;
}

/** The head of a reply ("Simple reply message"), `NBD_SIZE.simpleReply` bytes. */
export function readSimpleReply(header: Uint8Array): SimpleReply | Broken {
  const reader = new Reader(header);
  const magic = reader.u32();
  if (magic === NBD_STRUCTURED_REPLY_MAGIC) {
    return broken('structured-reply', 'a structured reply, which was not negotiated');
  }
  if (magic !== NBD_SIMPLE_REPLY_MAGIC) {
    return broken('wrong-magic', `a reply with magic 0x${magic.toString(16).padStart(8, '0')}`);
  }
  return { error: reader.u32(), cookie: reader.u64() };
}
