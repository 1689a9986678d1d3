import { Reader } from '../../bytes/cursor.ts';
import { NBD_LIMIT, NBD_REPLY_ERROR_BIT, NBD_REPLY_TYPE } from './constants.ts';
import { type Broken, broken } from './outcome.ts';
import type { ChunkHead } from './reply-head.ts';
import { serverText } from './server-text.ts';

/** What one chunk of a structured reply says ("Structured reply types"). Offsets are those of the export. */
export type Chunk =
  | { kind: 'none' }
  | { kind: 'data'; offsetBytes: number; bytes: Uint8Array }
  | { kind: 'hole'; offsetBytes: number; lengthBytes: number }
  /** `offsetBytes`: where it failed, for a type that says so. */
  | { kind: 'error'; error: number; text: string; offsetBytes?: number };

/** Bytes before the contents of a chunk of data, before the message of an error, and of the offset behind that. */
const dataHead = 8;
const holeBytes = 12;
const errorHead = 6;
const errorOffsetBytes = 8;

/**
 * What is wrong with a chunk as its head announces it, before any of its data is waited for. `contentBytes`: how much
 * contents the reply may still have. "If the client receives an unknown or unexpected type, other than an error chunk,
 * it MUST initiate a hard disconnect."
 */
export function chunkProblem(head: ChunkHead, lengthBytes: number, contentBytes: number): Broken | undefined {
  const { type, done } = head;
  const data = `of ${lengthBytes} bytes`;
  if ((type & NBD_REPLY_ERROR_BIT) !== 0) {
    const least = errorHead + (type === NBD_REPLY_TYPE.ERROR_OFFSET ? errorOffsetBytes : 0);
    if (lengthBytes < least)
      return broken('malformed-chunk', `an error chunk ${data}, it has ${least} at least`);
    if (lengthBytes <= NBD_LIMIT.errorChunkBytes) return undefined;
    return broken('too-large', `an error chunk ${data}; at most ${NBD_LIMIT.errorChunkBytes} are read`);
  }
  switch (type) {
    case NBD_REPLY_TYPE.NONE:
      if (lengthBytes !== 0) return broken('malformed-chunk', `a chunk without contents ${data}`);
      return done
        ? undefined
        : broken('malformed-chunk', 'a chunk without contents that is not the last one');
    case NBD_REPLY_TYPE.OFFSET_DATA:
      if (lengthBytes <= dataHead) return broken('malformed-chunk', `a data chunk ${data}`);
      if (lengthBytes - dataHead <= contentBytes) return undefined;
      return broken('too-large', `a data chunk ${data}, and ${contentBytes} of its request are open`);
    case NBD_REPLY_TYPE.OFFSET_HOLE:
      return lengthBytes === holeBytes
        ? undefined
        : broken('malformed-chunk', `a hole chunk ${data}, it has 12`);
    default:
      return broken('unexpected-reply', `a reply chunk of type ${type}`);
  }
}

/** A chunk of whose head `chunkProblem` had nothing to say, with its data. */
export function readChunk(type: number, data: Uint8Array): Chunk | Broken {
  const reader = new Reader(data);
  switch (type) {
    case NBD_REPLY_TYPE.NONE:
      return { kind: 'none' };
    case NBD_REPLY_TYPE.OFFSET_DATA:
      return { kind: 'data', offsetBytes: offset(reader), bytes: reader.bytes(reader.remaining) };
    case NBD_REPLY_TYPE.OFFSET_HOLE:
      return { kind: 'hole', offsetBytes: offset(reader), lengthBytes: reader.u32() };
    default:
      return readError(type, reader);
  }
}

/** All error types begin alike; what follows the message of one nobody knows is not looked at. */
function readError(type: number, reader: Reader): Chunk | Broken {
  const hasOffset = type === NBD_REPLY_TYPE.ERROR_OFFSET;
  const error = reader.u32();
  const messageBytes = reader.u16();
  if (error === 0) return broken('malformed-chunk', 'an error chunk with error 0');
  if (messageBytes > reader.remaining - (hasOffset ? errorOffsetBytes : 0)) {
    const inside = `in ${reader.offset + reader.remaining} bytes`;
    return broken('malformed-chunk', `an error chunk with a message of ${messageBytes} bytes ${inside}`);
  }
  const text = serverText(reader.bytes(messageBytes));
  return { kind: 'error', error, text, ...(hasOffset && { offsetBytes: offset(reader) }) };
}

/** Inexact beyond 2^53, and beyond every request then. */
function offset(reader: Reader): number {
  return reader.roughU64();
}
