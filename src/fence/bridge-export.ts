import type { ServedExport } from '../wire/nbd/server/export.ts';
import type { BridgedUnit } from './bridged-unit.ts';

/** The largest request a client is told of, and so the most that one can make the agent hold before it is taken up. */
const MOST_REQUEST_BYTES = 4 * 1024 * 1024;
const PREFERRED_BYTES = 4096;

export function servedExport(name: string, unit: BridgedUnit): ServedExport {
  const { sizeBytes, readOnly, blockBytes } = unit;
  const mostBytes = Math.min(unit.maximumBytes, MOST_REQUEST_BYTES);
  return {
    name,
    sizeBytes,
    readOnly,
    minimumBytes: blockBytes,
    preferredBytes: Math.max(PREFERRED_BYTES, blockBytes),
    maximumBytes: mostBytes - (mostBytes % blockBytes),
  };
}
