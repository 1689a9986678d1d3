import { NBD_LIMIT, NBD_TRANSMISSION } from './constants.ts';
import { type Broken, broken } from './outcome.ts';

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
  /** NBD_CMD_TRIM is understood. */
  canTrim: boolean;
  /** NBD_CMD_WRITE_ZEROES is understood, and NBD_CMD_FLAG_NO_HOLE with it. */
  canWriteZeroes: boolean;
  /** NBD_CMD_FLAG_FAST_ZERO is understood. */
  canFastZero: boolean;
  /** NBD_FLAG_CAN_MULTI_CONN: no cache, or one that all connections share. */
  canMultiConn: boolean;
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

/** What holds for a server that was asked for its sizes and says nothing about them ("Size constraints"). */
export const defaultBlockSizes: BlockSizes = {
  minimumBytes: 1,
  preferredBytes: 4096,
  maximumPayloadBytes: NBD_LIMIT.payloadBytes,
};

/**
 * What a client keeps to with a server that it could not ask: such a server may enforce sizes of its own, and "a client
 * desiring maximum interoperability SHOULD constrain its requests to a minimum block size of 2^9".
 */
export const unaskedBlockSizes: BlockSizes = { ...defaultBlockSizes, minimumBytes: 512 };

/** The export as its size, flags and block sizes describe it. */
export function exportInfo(sizeBytes: number, flags: number, blockSizes: BlockSizes): ExportInfo {
  const offers = (flag: number): boolean => (flags & flag) !== 0;
  const canWriteZeroes = offers(NBD_TRANSMISSION.SEND_WRITE_ZEROES);
  return {
    sizeBytes,
    flags,
    readOnly: offers(NBD_TRANSMISSION.READ_ONLY),
    canFlush: offers(NBD_TRANSMISSION.SEND_FLUSH),
    canFua: offers(NBD_TRANSMISSION.SEND_FUA),
    canTrim: offers(NBD_TRANSMISSION.SEND_TRIM),
    canWriteZeroes,
    canFastZero: canWriteZeroes && offers(NBD_TRANSMISSION.SEND_FAST_ZERO),
    canMultiConn: offers(NBD_TRANSMISSION.CAN_MULTI_CONN),
    blockSizes,
  };
}

/** The size of an export as a number, in which every byte of it has an offset. */
export function addressable(sizeBytes: bigint): number | Broken {
  if (sizeBytes <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(sizeBytes);
  return broken(
    'too-large',
    `an export of ${sizeBytes} bytes; at most ${Number.MAX_SAFE_INTEGER} can be addressed`,
  );
}
