import { Reader, Writer } from '../../bytes/cursor.ts';
import { NBD_CLISERV_MAGIC, NBD_FLAG, NBD_FLAG_C, NBD_MAGIC, NBD_OPTS_MAGIC, NBD_SIZE } from './constants.ts';
import { type Broken, broken } from './outcome.ts';

/**
 * The server's greeting ("Fixed newstyle negotiation"), `NBD_SIZE.greeting` bytes of it. Answers with the client flags
 * to send; NBD_FLAG_C_NO_ZEROES only where the server offered it.
 */
export function answerGreeting(greeting: Uint8Array): Uint8Array | Broken {
  const reader = new Reader(greeting);
  if (reader.u64() !== NBD_MAGIC) {
    return broken('not-nbd', `not an NBD server: its greeting begins with ${printable(greeting)}`);
  }
  const style = reader.u64();
  if (style === NBD_CLISERV_MAGIC) {
    return broken('oldstyle', 'an oldstyle NBD server; fixed newstyle is needed');
  }
  if (style !== NBD_OPTS_MAGIC) {
    return broken('wrong-magic', `the greeting has 0x${style.toString(16)} in the place of IHAVEOPT`);
  }
  const flags = reader.u16();
  if ((flags & NBD_FLAG.FIXED_NEWSTYLE) === 0) {
    return broken('not-fixed-newstyle', 'a newstyle NBD server that is not fixed newstyle, which is needed');
  }
  const noZeroes = (flags & NBD_FLAG.NO_ZEROES) === 0 ? 0 : NBD_FLAG_C.NO_ZEROES;
  const answer = new Uint8Array(NBD_SIZE.clientFlags);
  new Writer(answer).u32(NBD_FLAG_C.FIXED_NEWSTYLE | noZeroes);
  return answer;
}

/** The first bytes as text where they are text, so that a web or SSH server on the port is recognised. */
function printable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  return /^[\x20-\x7e\r\n]+$/.test(text) ? JSON.stringify(text) : Buffer.from(text, 'latin1').toString('hex');
}
