import { Writer } from '../../../bytes/cursor.ts';
import { NBD_FLAG, NBD_INFO, NBD_MAGIC, NBD_OPTS_MAGIC, NBD_REP, NBD_REP_MAGIC } from '../constants.ts';
import { NBD_LIMIT, NBD_SIZE } from '../constants.ts';
import { type ServedExport, transmissionFlags } from './export.ts';

/** The first bytes of every connection ("Fixed newstyle negotiation"). */
export function greetingBytes(): Uint8Array {
  const bytes = new Uint8Array(NBD_SIZE.greeting);
  new Writer(bytes)
    .u64(NBD_MAGIC)
    .u64(NBD_OPTS_MAGIC)
    .u16(NBD_FLAG.FIXED_NEWSTYLE | NBD_FLAG.NO_ZEROES);
  return bytes;
}

/** One reply to an option. */
export function optionReply(option: number, type: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(NBD_SIZE.optionReplyHeader + data.length);
  new Writer(bytes).u64(NBD_REP_MAGIC).u32(option).u32(type).u32(data.length).bytes(data);
  return bytes;
}

/** An error reply. Its text is for people, and is cut to what the protocol allows a string to be. */
export function optionError(option: number, type: number, text: string): Uint8Array {
  return optionReply(option, type, Buffer.from(text, 'utf8').subarray(0, NBD_LIMIT.stringBytes));
}

/** NBD_OPT_LIST: one NBD_REP_SERVER for each name, then the acknowledgement. */
export function listReply(option: number, names: readonly string[]): Uint8Array {
  const servers = names.map((name) => {
    const encoded = Buffer.from(name, 'utf8');
    const data = new Uint8Array(4 + encoded.length);
    new Writer(data).u32(encoded.length).bytes(encoded);
    return optionReply(option, NBD_REP.SERVER, data);
  });
  return Buffer.concat([...servers, optionReply(option, NBD_REP.ACK)]);
}

/** NBD_OPT_GO and NBD_OPT_INFO: size and flags always, sizes of requests always, the name when asked for. */
export function infoReply(option: number, served: ServedExport, asked: ReadonlySet<number>): Uint8Array {
  const about = new Uint8Array(12);
  new Writer(about).u16(NBD_INFO.EXPORT).u64(served.sizeBytes).u16(transmissionFlags(served));
  const sizes = new Uint8Array(14);
  const { minimumBytes, preferredBytes, maximumBytes } = served;
  new Writer(sizes).u16(NBD_INFO.BLOCK_SIZE).u32(minimumBytes).u32(preferredBytes).u32(maximumBytes);
  const infos = [about, sizes];
  if (asked.has(NBD_INFO.NAME)) {
    const encoded = Buffer.from(served.name, 'utf8');
    const name = new Uint8Array(2 + encoded.length);
    new Writer(name).u16(NBD_INFO.NAME).bytes(encoded);
    infos.push(name);
  }
  const replies = infos.map((info) => optionReply(option, NBD_REP.INFO, info));
  return Buffer.concat([...replies, optionReply(option, NBD_REP.ACK)]);
}

/** NBD_OPT_EXPORT_NAME, when the export is admitted; there is no way to say why when it is not. */
export function exportNameReply(served: ServedExport, noZeroes: boolean): Uint8Array {
  const bytes = new Uint8Array(noZeroes ? 10 : 10 + 124);
  new Writer(bytes).u64(served.sizeBytes).u16(transmissionFlags(served));
  return bytes;
}
