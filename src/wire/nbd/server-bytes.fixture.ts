import {
  NBD_FLAG,
  NBD_INFO,
  NBD_MAGIC,
  NBD_OPT,
  NBD_OPTS_MAGIC,
  NBD_REP,
  NBD_REP_ERR,
  NBD_REP_MAGIC,
  NBD_REPLY_TYPE,
  NBD_SIMPLE_REPLY_MAGIC,
  NBD_STRUCTURED_REPLY_MAGIC,
  NBD_TRANSMISSION,
} from './constants.ts';

/** What a server says, written down independently of the code under test: every field by its width and value. */
type Field = readonly [bits: 8 | 16 | 32 | 64, value: number | bigint] | string | Uint8Array;

export function bytesOf(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.map((field) => {
      if (typeof field === 'string') return Buffer.from(field, 'utf8');
      if (field instanceof Uint8Array) return field;
      return Buffer.from(
        BigInt(field[1])
          .toString(16)
          .padStart(field[0] / 4, '0'),
        'hex',
      );
    }),
  );
}

const usualFlags = NBD_TRANSMISSION.HAS_FLAGS | NBD_TRANSMISSION.SEND_FLUSH | NBD_TRANSMISSION.SEND_FUA;

export function greeting(flags: number = NBD_FLAG.FIXED_NEWSTYLE | NBD_FLAG.NO_ZEROES): Uint8Array {
  return bytesOf([64, NBD_MAGIC], [64, NBD_OPTS_MAGIC], [16, flags]);
}

export function optionReply(
  type: number,
  data: Uint8Array = bytesOf(),
  option: number = NBD_OPT.GO,
): Uint8Array {
  return bytesOf([64, NBD_REP_MAGIC], [32, option], [32, type], [32, data.length], data);
}

export function infoExport(sizeBytes: number | bigint, flags = usualFlags): Uint8Array {
  return optionReply(NBD_REP.INFO, bytesOf([16, NBD_INFO.EXPORT], [64, sizeBytes], [16, flags]));
}

export function infoBlockSize(minimum: number, preferred: number, maximum: number): Uint8Array {
  return optionReply(
    NBD_REP.INFO,
    bytesOf([16, NBD_INFO.BLOCK_SIZE], [32, minimum], [32, preferred], [32, maximum]),
  );
}

export const acknowledgement = optionReply(NBD_REP.ACK);

/** How a server takes NBD_OPT_STRUCTURED_REPLY. */
export const structuredRefused = optionReply(NBD_REP_ERR.UNSUP, bytesOf(), NBD_OPT.STRUCTURED_REPLY);
export const structuredAgreed = optionReply(NBD_REP.ACK, bytesOf(), NBD_OPT.STRUCTURED_REPLY);

/** Greeting, no structured replies, and successful NBD_OPT_GO of an export. */
export function welcome(sizeBytes: number, flags = usualFlags): Uint8Array {
  return bytesOf(greeting(), structuredRefused, infoExport(sizeBytes, flags), acknowledgement);
}

/** The same with structured replies. */
export function structuredWelcome(sizeBytes: number, flags = usualFlags): Uint8Array {
  return bytesOf(greeting(), structuredAgreed, infoExport(sizeBytes, flags), acknowledgement);
}

/** What NBD_OPT_EXPORT_NAME is answered with. */
export function exportReply(sizeBytes: number | bigint, zeroes: number, flags = usualFlags): Uint8Array {
  return bytesOf([64, sizeBytes], [16, flags], Buffer.alloc(zeroes));
}

export function simpleReply(cookie: number | bigint, error = 0, payload: Uint8Array = bytesOf()): Uint8Array {
  return bytesOf([32, NBD_SIMPLE_REPLY_MAGIC], [32, error], [64, cookie], payload);
}

/** One chunk of a structured reply. `flags` 1: the last one. */
export function chunk(
  cookie: number | bigint,
  type: number,
  data: Uint8Array = bytesOf(),
  flags = 0,
): Uint8Array {
  return bytesOf(
    [32, NBD_STRUCTURED_REPLY_MAGIC],
    [16, flags],
    [16, type],
    [64, cookie],
    [32, data.length],
    data,
  );
}

export function dataChunk(
  cookie: number | bigint,
  offset: number | bigint,
  data: Uint8Array,
  flags = 0,
): Uint8Array {
  return chunk(cookie, NBD_REPLY_TYPE.OFFSET_DATA, bytesOf([64, offset], data), flags);
}

export function holeChunk(
  cookie: number | bigint,
  offset: number | bigint,
  length: number,
  flags = 0,
): Uint8Array {
  return chunk(cookie, NBD_REPLY_TYPE.OFFSET_HOLE, bytesOf([64, offset], [32, length]), flags);
}

export function noneChunk(cookie: number | bigint): Uint8Array {
  return chunk(cookie, NBD_REPLY_TYPE.NONE, bytesOf(), 1);
}

export function errorChunk(cookie: number | bigint, error: number, text = '', flags = 0): Uint8Array {
  const data = bytesOf([32, error], [16, Buffer.byteLength(text)], text);
  return chunk(cookie, NBD_REPLY_TYPE.ERROR, data, flags);
}

export function errorAtChunk(
  cookie: number | bigint,
  error: number,
  offset: number | bigint,
  text = '',
  flags = 0,
): Uint8Array {
  const data = bytesOf([32, error], [16, Buffer.byteLength(text)], text, [64, offset]);
  return chunk(cookie, NBD_REPLY_TYPE.ERROR_OFFSET, data, flags);
}
