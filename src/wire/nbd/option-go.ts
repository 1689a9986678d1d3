import { Reader, Writer } from '../../bytes/cursor.ts';
import {
  NBD_INFO,
  NBD_LIMIT,
  NBD_OPT,
  NBD_OPTS_MAGIC,
  NBD_REP,
  NBD_REP_ERROR_BIT,
  NBD_REP_MAGIC,
  NBD_SIZE,
} from './constants.ts';
import { type BlockSizes, defaultBlockSizes, type ExportInfo, exportInfo } from './export-info.ts';
import { type Broken, broken } from './outcome.ts';

/** NBD_OPT_GO for an export, asking for the block sizes and so binding itself to them. */
export function optionGo(exportName: string): Uint8Array {
  const name = Buffer.from(exportName, 'utf8');
  if (name.length > NBD_LIMIT.stringBytes) {
    throw new RangeError(`an export name of ${name.length} bytes; NBD has room for ${NBD_LIMIT.stringBytes}`);
  }
  const dataLength = 4 + name.length + 2 + 2;
  const bytes = new Uint8Array(NBD_SIZE.optionHeader + dataLength);
  new Writer(bytes)
    .u64(NBD_OPTS_MAGIC)
    .u32(NBD_OPT.GO)
    .u32(dataLength)
    .u32(name.length)
    .bytes(name)
    .u16(1)
    .u16(NBD_INFO.BLOCK_SIZE);
  return bytes;
}

/** NBD_OPT_ABORT: how a client that was refused takes its leave ("Termination of the session"). */
export function optionAbort(): Uint8Array {
  const bytes = new Uint8Array(NBD_SIZE.optionHeader);
  new Writer(bytes).u64(NBD_OPTS_MAGIC).u32(NBD_OPT.ABORT).u32(0);
  return bytes;
}

export interface OptionReplyHeader {
  type: number;
  lengthBytes: number;
}

/** The head of one reply to NBD_OPT_GO, `NBD_SIZE.optionReplyHeader` bytes. */
export function readOptionReplyHeader(header: Uint8Array): OptionReplyHeader | Broken {
  const reader = new Reader(header);
  const magic = reader.u64();
  if (magic !== NBD_REP_MAGIC) {
    return broken('wrong-magic', `an option reply with magic 0x${magic.toString(16)}`);
  }
  const option = reader.u32();
  if (option !== NBD_OPT.GO) {
    return broken(
      'unexpected-option-reply',
      `a reply to option ${option}, and NBD_OPT_GO (${NBD_OPT.GO}) was sent`,
    );
  }
  const type = reader.u32();
  const lengthBytes = reader.u32();
  if (lengthBytes > NBD_LIMIT.optionReplyBytes) {
    return broken(
      'too-large',
      `an option reply of ${lengthBytes} bytes; at most ${NBD_LIMIT.optionReplyBytes} are read`,
    );
  }
  return { type, lengthBytes };
}

/** Puts the replies to one NBD_OPT_GO together until the last one. */
export class GoReplies {
  #count = 0;
  #export: { sizeBytes: number; flags: number } | undefined;
  #blockSizes: BlockSizes = defaultBlockSizes;

  /** One reply with its data. Undefined: more are to come. */
  receive(
    type: number,
    data: Uint8Array,
  ): ExportInfo | { refused: number; text: string } | Broken | undefined {
    if (type >= NBD_REP_ERROR_BIT) return { refused: type, text: Buffer.from(data).toString('utf8') };
    if (type === NBD_REP.ACK) return this.#acknowledged(data);
    if (type !== NBD_REP.INFO) {
      return broken('unexpected-option-reply', `an option reply of type ${type} to NBD_OPT_GO`);
    }
    if (++this.#count > NBD_LIMIT.optionReplies) {
      return broken('too-large', `more than ${NBD_LIMIT.optionReplies} replies to NBD_OPT_GO`);
    }
    return this.#takeInfo(data);
  }

  #acknowledged(data: Uint8Array): ExportInfo | Broken {
    if (data.length > 0) {
      return broken('unexpected-option-reply', `an acknowledgement with ${data.length} bytes of data`);
    }
    if (this.#export === undefined) {
      return broken('unexpected-option-reply', 'NBD_OPT_GO was acknowledged without NBD_INFO_EXPORT');
    }
    return exportInfo(this.#export.sizeBytes, this.#export.flags, this.#blockSizes);
  }

  #takeInfo(data: Uint8Array): Broken | undefined {
    if (data.length < 2) return broken('malformed-info', `information of ${data.length} bytes has no type`);
    const reader = new Reader(data);
    switch (reader.u16()) {
      case NBD_INFO.EXPORT:
        return this.#takeExport(reader);
      case NBD_INFO.BLOCK_SIZE:
        return this.#takeBlockSizes(reader);
      default:
        return undefined; // "The client MUST ignore information replies it does not understand."
    }
  }

  #takeExport(reader: Reader): Broken | undefined {
    if (reader.remaining !== 10) {
      return broken('malformed-info', `NBD_INFO_EXPORT of ${reader.remaining + 2} bytes, it has 12`);
    }
    const size = reader.u64();
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) {
      return broken(
        'too-large',
        `an export of ${size} bytes; at most ${Number.MAX_SAFE_INTEGER} can be addressed`,
      );
    }
    this.#export = { sizeBytes: Number(size), flags: reader.u16() };
    return undefined;
  }

  #takeBlockSizes(reader: Reader): Broken | undefined {
    if (reader.remaining !== 12) {
      return broken('malformed-info', `NBD_INFO_BLOCK_SIZE of ${reader.remaining + 2} bytes, it has 14`);
    }
    const sizes = {
      minimumBytes: reader.u32(),
      preferredBytes: reader.u32(),
      maximumPayloadBytes: reader.u32(),
    };
    const problem = blockSizeProblem(sizes);
    if (problem !== undefined) return broken('malformed-info', `NBD_INFO_BLOCK_SIZE: ${problem}`);
    this.#blockSizes = sizes;
    return undefined;
  }
}

/**
 * The rules of "Size constraints" without which no request could be laid out. A maximum payload below the preferred
 * size breaks the text as well, but nothing here depends on it.
 */
function blockSizeProblem({
  minimumBytes,
  preferredBytes,
  maximumPayloadBytes,
}: BlockSizes): string | undefined {
  if (!isPowerOfTwo(minimumBytes) || minimumBytes > NBD_LIMIT.minimumBlockBytes) {
    return `a minimum of ${minimumBytes} bytes is not a power of two up to ${NBD_LIMIT.minimumBlockBytes}`;
  }
  if (!isPowerOfTwo(preferredBytes) || preferredBytes < minimumBytes) {
    return `a preferred size of ${preferredBytes} bytes is not a power of two from the minimum of ${minimumBytes} up`;
  }
  if (maximumPayloadBytes < minimumBytes) {
    return `a maximum of ${maximumPayloadBytes} bytes is below the minimum of ${minimumBytes}`;
  }
  return undefined;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
