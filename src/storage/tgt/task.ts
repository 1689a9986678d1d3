import { parseSense, describeSense, SENSE_KEY } from '../../wire/scsi/sense.ts';
import type { SeenCommand } from '../../wire/scsi/cdb.ts';
import type { ReserveOutParameters } from '../../wire/scsi/persistent-reserve.ts';
import { SCSI_STATUS, scsiStatusName } from '../../wire/scsi/status.ts';
import type { Verdict } from './harmless.ts';

/** A block of both units, in bytes. */
export const BLOCK_BYTES = 512;

/** How the tap answers, and the word for it in the audit. */
export type TaskVerdict = Verdict & { outcome: string };

/** Something that was passed on to the target and gets one answer. */
export interface Task {
  readonly tag: number;
  readonly unit: 'quorum' | 'data' | 'other';
  /** What it is, where it is a SCSI command. */
  readonly command: SeenCommand | null;
  readonly isReset: boolean;
  /** Rises with every task of every connection. */
  readonly number: number;
  /** What it may bring back, and what it costs here and there until it is answered. */
  readonly expectedBytes: number;
  readonly costBytes: number;
  /** Where it changes the medium; a length of 0 where the command names no blocks. */
  readonly offset: number;
  readonly length: number;
  /** Monotonic nanoseconds. */
  beganAt: number;
  /** Bytes that the initiator has yet to send. */
  missingBytes: number;
  /** The tap answers it. */
  verdict: TaskVerdict | null;
  /** Of a PERSISTENT RESERVE OUT. */
  readonly asked: ReserveOutParameters | undefined;
  /** The beginning of what a write to the quorum area writes, which is at `from` of what the command brings. */
  readonly payload: { from: number; bytes: Uint8Array } | null;
  /** What came back so far, where that is looked at. */
  readonly returned: Uint8Array[] | null;
  /** Told once what became of it. */
  readonly settled: ((outcome: string) => void)[];
}

export function isWrite(task: Task): boolean {
  const medium = task.command?.medium;
  return medium === 'writes' || medium === 'both';
}

/** How a command ended: `ok`, the sense data in words, or the status. */
export interface Outcome {
  text: string;
  /** It was turned away: neither carried out nor begun. */
  isRefused: boolean;
  isConflict: boolean;
  isUnitAttention: boolean;
}

export function outcomeOf(status: number, sense: Uint8Array): Outcome {
  const isConflict = status === SCSI_STATUS.RESERVATION_CONFLICT;
  const isAborted = status === SCSI_STATUS.TASK_ABORTED;
  const none = { isRefused: isConflict || isAborted, isConflict, isUnitAttention: false };
  if (status === SCSI_STATUS.GOOD) return { text: 'ok', ...none };
  if (status !== SCSI_STATUS.CHECK_CONDITION) return { text: scsiStatusName(status), ...none };
  const found = parseSense(sense);
  if (found === undefined) return { text: 'CHECK CONDITION', ...none };
  const isUnitAttention = found.key === SENSE_KEY.UNIT_ATTENTION;
  return { text: describeSense(found), isRefused: isUnitAttention, isConflict, isUnitAttention };
}

/** The sense data in the data segment of a SCSI Response (RFC 7143, 11.4.7). */
export function senseIn(segment: Uint8Array): Uint8Array {
  if (segment.length < 2) return segment.subarray(0, 0);
  return segment.subarray(2, 2 + ((segment[0]! << 8) | segment[1]!));
}
