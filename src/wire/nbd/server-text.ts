import { NBD_LIMIT } from './constants.ts';

/** A server's words for people, as one line: "MUST be no longer than 4096 bytes", and any byte may be in them. */
export function serverText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, NBD_LIMIT.stringBytes)).toString('utf8');
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
}
