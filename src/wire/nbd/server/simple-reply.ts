import { NBD_SIMPLE_REPLY_MAGIC, NBD_SIZE } from '../constants.ts';
import type { Cookie } from './outcome.ts';

/** The answer to a request ("Simple reply message"). `error` is 0 or one of NBD_ERROR; an error has no payload. */
export function simpleReply(cookie: Cookie, error: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(NBD_SIZE.simpleReply);
  putHeader(bytes, cookie, error);
  return bytes;
}

/** The answer to a read that succeeds: `data` is where the bytes that were read belong within `reply`. */
export function readReply(cookie: Cookie, length: number): { reply: Uint8Array; data: Uint8Array } {
  const reply = Buffer.allocUnsafe(NBD_SIZE.simpleReply + length);
  putHeader(reply, cookie, 0);
  return { reply, data: reply.subarray(NBD_SIZE.simpleReply) };
}

function putHeader(bytes: Buffer, cookie: Cookie, error: number): void {
  bytes.writeUInt32BE(NBD_SIMPLE_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(error, 4);
  bytes.writeUInt32BE(cookie.high, 8);
  bytes.writeUInt32BE(cookie.low, 12);
}
