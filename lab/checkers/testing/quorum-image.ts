import { encodeHeader } from '../../../src/area/header.ts';
import { encodeRecord } from '../../../src/area/record.ts';
import type { AuditLine } from '../../../src/ports/audit.ts';
import type { Timings } from '../../../src/protocol/types.ts';

const SECTOR_BYTES = 512;

/** The quorum area as the writes of the record left it. */
export function quorumImage(
  audit: readonly AuditLine[],
  servers: readonly string[],
  timings: Timings,
): Uint8Array {
  const framing = { clusterId: 'c'.repeat(32), sectorBytes: SECTOR_BYTES, wallMs: 0 } as const;
  const image = new Uint8Array(SECTOR_BYTES * (2 + servers.length));
  image.set(encodeHeader({ ...framing, slots: servers.length, mode: 'plain', timings }));
  const last = audit.findLast((line) => line.event === 'quorum-write' && line.outcome === 'ok');
  if (last?.event !== 'quorum-write' || last.record === null) return image;
  const { node, epoch, count } = last.record;
  const status = last.record.status === 1 ? 1 : 0;
  const record = {
    status,
    node,
    epoch,
    count,
    incarnation: '0'.repeat(32),
    successor: '',
    pause: null,
  } as const;
  image.set(encodeRecord(record, framing), SECTOR_BYTES);
  return image;
}
