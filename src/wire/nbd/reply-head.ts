import { Reader } from '../../bytes/cursor.ts';
import { NBD_REPLY_FLAG, NBD_SIMPLE_REPLY_MAGIC, NBD_STRUCTURED_REPLY_MAGIC } from './constants.ts';
import { type Broken, broken } from './outcome.ts';

/** Cookies are exact up to 2^53, and beyond that they are beyond every one that was given out. */
export type ReplyHead =
  /** Error 0: it succeeded, and the payload of a read follows. Otherwise nothing follows. */
  { kind: 'simple'; cookie: number; error: number } | ChunkHead;

/** Of one chunk of a structured reply. `done`: it is the last one of its reply. */
export interface ChunkHead {
  kind: 'chunk';
  cookie: number;
  type: number;
  done: boolean;
}

/**
 * The head of a simple reply, or as much of a chunk's head ("Structured reply chunk message"): `NBD_SIZE.replyHead`
 * bytes. Flags nobody knows are ignored, as the text has it.
 */
export function readReplyHead(head: Uint8Array): ReplyHead | Broken {
  const reader = new Reader(head);
  const magic = reader.u32();
  if (magic === NBD_SIMPLE_REPLY_MAGIC)
    return { kind: 'simple', error: reader.u32(), cookie: reader.roughU64() };
  if (magic !== NBD_STRUCTURED_REPLY_MAGIC) {
    return broken('wrong-magic', `a reply with magic 0x${magic.toString(16).padStart(8, '0')}`);
  }
  const flags = reader.u16();
  return {
    kind: 'chunk',
    done: (flags & NBD_REPLY_FLAG.DONE) !== 0,
    type: reader.u16(),
    cookie: reader.roughU64(),
  };
}
