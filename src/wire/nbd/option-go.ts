import { Reader, Writer } from '../../bytes/cursor.ts';
import { NBD_INFO, NBD_LIMIT, NBD_OPT, NBD_REP, NBD_REP_ERROR_BIT } from './constants.ts';
import {
  addressable,
  type BlockSizes,
  defaultBlockSizes,
  type ExportInfo,
  exportInfo,
} from './export-info.ts';
import { encodeExportName, encodeOption } from './option.ts';
import { type Broken, broken } from './outcome.ts';
import { serverText } from './server-text.ts';

/** NBD_OPT_GO for an export, asking for the block sizes and so binding itself to them. */
export function optionGo(exportName: string): Uint8Array {
  const name = encodeExportName(exportName);
  const data = new Uint8Array(4 + name.length + 2 + 2);
  new Writer(data).u32(name.length).bytes(name).u16(1).u16(NBD_INFO.BLOCK_SIZE);
  return encodeOption(NBD_OPT.GO, data);
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
    if (type >= NBD_REP_ERROR_BIT) return { refused: type, text: serverText(data) };
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
    const sizeBytes = addressable(reader.u64());
    if (typeof sizeBytes !== 'number') return sizeBytes;
    this.#export = { sizeBytes, flags: reader.u16() };
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
