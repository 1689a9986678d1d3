import { NBD_LIMIT, NBD_TRANSMISSION } from './constants.ts';

/** What a server says about an export at the end of the negotiation. */
export interface ExportInfo {
  sizeBytes: number;
  /** Transmission flags as they came. */
  flags: number;
  readOnly: boolean;
  /** NBD_CMD_FLUSH is understood. */
  canFlush: boolean;
  /** NBD_CMD_FLAG_FUA is understood. */
  canFua: boolean;
  blockSizes: BlockSizes;
}

/** "Size constraints". A client that asked for them abides by them. */
export interface BlockSizes {
  /** Offsets and lengths are multiples of it. A power of two, at most 65536. */
  minimumBytes: number;
  preferredBytes: number;
  /** The longest payload of one request. */
  maximumPayloadBytes: number;
}

/** What holds for a server that says nothing about sizes ("Size constraints"). */
export const defaultBlockSizes: BlockSizes = {
  minimumBytes: 1,
  preferredBytes: 4096,
  maximumPayloadBytes: NBD_LIMIT.payloadBytes,
};

/** The export as its size, flags and block sizes describe it. */
export function exportInfo(sizeBytes: number, flags: number, blockSizes: BlockSizes): ExportInfo {
  return {
    sizeBytes,
    flags,
    readOnly: (flags & NBD_TRANSMISSION.READ_ONLY) !== 0,
    canFlush: (flags & NBD_TRANSMISSION.SEND_FLUSH) !== 0,
    canFua: (flags & NBD_TRANSMISSION.SEND_FUA) !== 0,
    blockSizes,
  };
}
