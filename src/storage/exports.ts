import { NBD_LIMIT } from '../wire/nbd/constants.ts';
import type { ServedExport } from '../wire/nbd/server/export.ts';

/** One export of a gate, as clients see it: sectors of 512 bytes, best in pages, and the payload everybody may send. */
export function servedExport(name: string, sizeBytes: number, readOnly: boolean): ServedExport {
  return {
    name,
    sizeBytes,
    readOnly,
    minimumBytes: 512,
    preferredBytes: 4096,
    maximumBytes: NBD_LIMIT.payloadBytes,
  };
}
