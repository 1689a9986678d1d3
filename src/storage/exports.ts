import { NBD_LIMIT } from '../wire/nbd/constants.ts';
import type { ServedExport } from '../wire/nbd/server/export.ts';

/** One export of a gate, as clients see it: sectors of 512 bytes, best in pages, and the payload everybody may send. */
export function servedExport(name: string, sizeBytes: number): ServedExport {
  return {
    name,
    sizeBytes,
    readOnly: false,
    minimumBytes: 512,
    preferredBytes: 4096,
    maximumBytes: NBD_LIMIT.payloadBytes,
  };
}
