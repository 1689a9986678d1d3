import { Reader, Writer } from '../../bytes/cursor.ts';
import { NBD_CLISERV_MAGIC, NBD_FLAG, NBD_FLAG_C, NBD_MAGIC, NBD_OPTS_MAGIC, NBD_SIZE } from './constants.ts';
import { type Broken, broken } from './outcome.ts';

/** What a server's greeting comes to. */
export interface Greeted {
  /** The client flags, to be sent. */
  answer: Uint8Array;
  /** False: the only option there is, is NBD_OPT_EXPORT_NAME. */
  fixedNewstyle: boolean;
  /** Both sides do without the zeroes in the answer to NBD_OPT_EXPORT_NAME. */
  noZeroes: boolean;
}

/**
 * The server's greeting ("Newstyle negotiation"), `NBD_SIZE.greeting` bytes of it. No flag is answered that was not
 * offered: such a client is to be dropped.
 */
export function answerGreeting(greeting: Uint8Array): Greeted | Broken {
  const reader = new Reader(greeting);
  if (reader.u64() !== NBD_MAGIC) {
    return broken('not-nbd', `not an NBD server: its greeting begins with ${printable(greeting)}`);
  }
  const style = reader.u64();
  if (style === NBD_CLISERV_MAGIC) {
    return broken('oldstyle', 'an oldstyle NBD server; newstyle is needed');
  }
  if (style !== NBD_OPTS_MAGIC) {
    return broken('wrong-magic', `the greeting has 0x${style.toString(16)} in the place of IHAVEOPT`);
  }
  const flags = reader.u16();
  const fixedNewstyle = (flags & NBD_FLAG.FIXED_NEWSTYLE) !== 0;
  const noZeroes = (flags & NBD_FLAG.NO_ZEROES) !== 0;
  const answer = new Uint8Array(NBD_SIZE.clientFlags);
  new Writer(answer).u32(
    (fixedNewstyle ? NBD_FLAG_C.FIXED_NEWSTYLE : 0) | (noZeroes ? NBD_FLAG_C.NO_ZEROES : 0),
  );
  return { answer, fixedNewstyle, noZeroes };
}

/** The first bytes as text where they are text, so that a web or SSH server on the port is recognised. */
function printable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  return /^[\x20-\x7e\r\n]+$/.test(text) ? JSON.stringify(text) : Buffer.from(text, 'latin1').toString('hex');
}
