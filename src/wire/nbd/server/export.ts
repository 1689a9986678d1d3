import { NBD_TRANSMISSION } from '../constants.ts';

/** What a client is told about the export it was let into, and what its requests are checked against. */
export interface ServedExport {
  /** The canonical name, for clients that ask for it. */
  name: string;
  sizeBytes: number;
  readOnly: boolean;
  /** NBD_INFO_BLOCK_SIZE: a power of two up to 65536; a larger power of two; the largest payload of one request. */
  minimumBytes: number;
  preferredBytes: number;
  maximumBytes: number;
}

/**
 * Flush and forced unit access always; CAN_MULTI_CONN because every connection shares one file, so that a flush on any
 * covers the answered writes of all.
 */
export function transmissionFlags(served: ServedExport): number {
  const always =
    NBD_TRANSMISSION.HAS_FLAGS |
    NBD_TRANSMISSION.SEND_FLUSH |
    NBD_TRANSMISSION.SEND_FUA |
    NBD_TRANSMISSION.CAN_MULTI_CONN;
  return served.readOnly ? always | NBD_TRANSMISSION.READ_ONLY : always;
}
