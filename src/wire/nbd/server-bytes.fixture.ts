import {
  NBD_FLAG,
  NBD_INFO,
  NBD_MAGIC,
  NBD_OPT,
  NBD_OPTS_MAGIC,
  NBD_REP,
  NBD_REP_MAGIC,
  NBD_SIMPLE_REPLY_MAGIC,
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

/** Greeting and successful NBD_OPT_GO of an export. */
export function welcome(sizeBytes: number, flags = usualFlags): Uint8Array {
  return bytesOf(greeting(), infoExport(sizeBytes, flags), acknowledgement);
}

export function simpleReply(cookie: bigint, error = 0, payload: Uint8Array = bytesOf()): Uint8Array {
  return bytesOf([32, NBD_SIMPLE_REPLY_MAGIC], [32, error], [64, cookie], payload);
}
