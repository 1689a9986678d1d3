import type { InitiatorPdu } from '../../wire/iscsi/initiator-pdu.ts';
import type { Lun } from '../../wire/iscsi/header-fields.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { parseCdb, type SeenCommand } from '../../wire/scsi/cdb.ts';
import { parseReserveOut } from '../../wire/scsi/persistent-reserve-data.ts';
import type { ReserveOutParameters } from '../../wire/scsi/persistent-reserve.ts';
import { DATA_LUN, QUORUM_LUN } from './target.ts';
import { BLOCK_BYTES, type Task } from './task.ts';

/** What a task costs beside its data, so that there is a bound for many empty ones too. */
const BYTES_PER_TASK = 256;

let lastNumber = 0;

/** A SCSI command; of a write to the quorum area the first `watchedBytes` are kept. */
export function commandTask(said: InitiatorPdu & { kind: 'command' }, watchedBytes: number): Task {
  const { tag, cdb, lun, expectedBytes, data, write } = said;
  const command = parseCdb(cdb)!; // all of its 16 bytes are there
  const unit = unitOf(lun);
  const changes = command.medium === 'writes' || command.medium === 'both';
  const offset = (command.lba ?? 0) * BLOCK_BYTES;
  const isReserve = command.operation === OPERATION.PERSISTENT_RESERVE_OUT;
  const isReserveIn = command.operation === OPERATION.PERSISTENT_RESERVE_IN;
  return {
    ...blank(tag, unit, expectedBytes, data.length),
    command,
    offset,
    length: (command.blocks ?? 0) * BLOCK_BYTES,
    missingBytes: write ? Math.max(0, expectedBytes - data.length) : 0,
    asked: isReserve ? asked(cdb, data) : undefined,
    payload:
      unit === 'quorum' && changes && offset < watchedBytes ? payloadOf(said, command, watchedBytes) : null,
    returned: unit === 'data' && isReserveIn ? [] : null,
  };
}

/** A LOGICAL UNIT RESET. */
export function resetTask({ tag, lun }: InitiatorPdu & { kind: 'task-management' }): Task {
  return { ...blank(tag, unitOf(lun), 0, 0), isReset: true };
}

/** Anything else that is answered once. */
export function otherTask(tag: number, dataBytes: number): Task {
  return blank(tag, 'other', 0, dataBytes);
}

function blank(tag: number, unit: Task['unit'], expectedBytes: number, dataBytes: number): Task {
  return {
    tag,
    unit,
    command: null,
    isReset: false,
    number: ++lastNumber,
    expectedBytes,
    costBytes: BYTES_PER_TASK + Math.max(expectedBytes, dataBytes),
    offset: 0,
    length: 0,
    beganAt: 0,
    missingBytes: 0,
    verdict: null,
    asked: undefined,
    payload: null,
    returned: null,
    settled: [],
  };
}

/** As tgtd takes it, which looks at the first level alone whatever comes below it (tgt, usr/scsi.c). */
function unitOf(lun: Lun): Task['unit'] {
  const first = typeof lun === 'number' ? lun : firstLevel(lun);
  if (first === QUORUM_LUN) return 'quorum';
  return first === DATA_LUN ? 'data' : 'other';
}

function firstLevel([method = 0, low = 0]: Uint8Array): number | undefined {
  if (method >> 6 === 0) return low;
  return method >> 6 === 1 ? ((method & 0x3f) << 8) | low : undefined;
}

/** Undefined where the list is none, or did not come with the command. */
function asked(cdb: Uint8Array, list: Uint8Array): ReserveOutParameters | undefined {
  try {
    return parseReserveOut(cdb, list);
  } catch {
    return undefined;
  }
}

/** COMPARE AND WRITE brings what is to be there first, and what is to be written behind it (SBC-3, 5.2). */
function payloadOf(
  { expectedBytes, data }: InitiatorPdu & { kind: 'command' },
  command: SeenCommand,
  watchedBytes: number,
): Task['payload'] {
  const from = command.operation === OPERATION.COMPARE_AND_WRITE ? expectedBytes / 2 : 0;
  const payload = { from, bytes: new Uint8Array(Math.min(expectedBytes - from, watchedBytes)) };
  collect(payload, data, 0);
  return payload;
}

/** Takes what there is of the payload from `data`, which is at `offset` of all that the command brings. */
export function collect({ from, bytes }: Task['payload'] & object, data: Uint8Array, offset: number): void {
  const skipped = Math.max(0, from - offset);
  const at = Math.max(0, offset - from);
  if (skipped < data.length && at < bytes.length)
    bytes.set(data.subarray(skipped, skipped + bytes.length - at), at);
}
