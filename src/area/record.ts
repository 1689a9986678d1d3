import type { Reader, Writer } from '../bytes/cursor.ts';
import type { OwnershipRecord, Pause, Reading } from '../protocol/types.ts';
import { decodeBlock, encodeBlock, type Framing, InvalidField } from './block.ts';
import { putChoice, putCount, putIncarnation, putName } from './field.ts';
import { takeChoice, takeCount, takeIncarnation, takeName } from './field.ts';

/**
 * The ownership record's fields, from byte 40 on:
 *
 *   40   4  status: 0 no owner, 1 owned
 *   44   8  epoch
 *   52   8  count
 *   60  16  incarnation
 *   76  32  node, NUL padded; empty when released
 *  108  32  successor, NUL padded; empty for none
 *  140  32  paused by (R10), NUL padded; empty when not paused
 *  172   8  paused since: wall clock of that node, milliseconds since 1970; 0 when not paused
 *
 * A record that is not paused has the very bytes it had before there were pauses, so the version is still 1. To a
 * program from before, a paused one is damaged: it is reported, and claimed by nobody while it changes (R9).
 */
const STATUS = [0, 1] as const;

/** One sector that carries `record`. Throws RangeError for a record no server may write. */
export function encodeRecord(record: OwnershipRecord, framing: Framing): Uint8Array {
  if (record.status === 1 && record.node === '') throw new RangeError('an owned record needs a node');
  return encodeBlock('record', framing, (fields) => {
    putChoice(fields, 'status', STATUS, record.status);
    putCount(fields, 'epoch', record.epoch);
    putCount(fields, 'count', record.count);
    putIncarnation(fields, record.incarnation);
    putName(fields, 'node', record.node);
    putName(fields, 'successor', record.successor);
    putPause(fields, record.pause);
  });
}

/** The record in `sector`; one of another cluster than `clusterId` is damaged (R9). Undefined: any cluster will do. */
export function decodeRecord(sector: Uint8Array, clusterId: string | undefined): Reading<OwnershipRecord> {
  return decodeBlock('record', sector, clusterId, (fields) => {
    const status = takeChoice(fields, 'status', STATUS);
    const epoch = takeCount(fields, 'epoch');
    const count = takeCount(fields, 'count');
    const incarnation = takeIncarnation(fields);
    const node = takeName(fields, 'node');
    const successor = takeName(fields, 'successor');
    if (status === 1 && node === '') throw new InvalidField('status 1 without a node');
    return { status, node, epoch, incarnation, count, successor, pause: takePause(fields) };
  });
}

function putPause(fields: Writer, pause: Pause | null): void {
  if (pause?.by === '') throw new RangeError('a pause needs a node');
  putName(fields, 'paused by', pause?.by ?? '');
  putCount(fields, 'paused since', pause?.sinceWallMs ?? 0);
}

function takePause(fields: Reader): Pause | null {
  const by = takeName(fields, 'paused by');
  const sinceWallMs = takeCount(fields, 'paused since');
  if (by !== '') return { by, sinceWallMs };
  if (sinceWallMs !== 0) throw new InvalidField('paused since, and by nobody');
  return null;
}
