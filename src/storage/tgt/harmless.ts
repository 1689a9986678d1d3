import { BHS_FLAG, NO_TAG } from '../../wire/iscsi/constants.ts';
import { putU32 } from '../../wire/iscsi/header-fields.ts';
import { digestOf, type Digests, type RawPdu, sealed } from '../../wire/iscsi/pdu.ts';
import { encodeTargetHeader, type TargetPdu } from '../../wire/iscsi/target-pdu.ts';
import { SCSI_STATUS } from '../../wire/scsi/status.ts';

/** What the tap answers a command with in the place of the target. */
export interface Verdict {
  status: number;
  /** With CHECK CONDITION: sense key, additional sense code and qualifier (SPC-4, 4.5.6). */
  sense?: readonly [key: number, asc: number, ascq: number];
}

export const RESERVATION_CONFLICT: Verdict = { status: SCSI_STATUS.RESERVATION_CONFLICT };

/** An operation code that no one has (SPC-4, table D.1: vendor specific), so that nothing is done and an answer comes. */
const NO_OPERATION = 0xff;
/** RFC 7143, 11.5.1 and 11.6.1. */
const ABORT_TASK = 1;
const FUNCTION_REJECTED = 255;
/** Fixed format (SPC-4, 4.5.3), current error, no more than what is needed. */
const SENSE_BYTES = 18;

/**
 * A SCSI Command in whose place nothing is done. The numbering of a connection is the target's: a command that did not
 * reach it, or an answer that was not its own, would leave a gap for the rest of the session (RFC 7143, 4.2.2). So the
 * command goes on with its number, tag and data, and without its meaning; `answerOf` makes the wished answer of whatever
 * comes back.
 */
export function harmless({ header, ahs, pieces }: RawPdu, digests: Digests): Uint8Array[] {
  const changed = header.slice();
  changed[32] = NO_OPERATION;
  const isRead = (changed[1]! & BHS_FLAG.READ) !== 0;
  const isWrite = (changed[1]! & BHS_FLAG.WRITE) !== 0;
  if (isRead) changed[1]! &= ~BHS_FLAG.READ;
  // With a read it is the length of what comes back: nothing.
  if (isRead && !isWrite) changed.fill(0, 20, 24);
  return withHeader(changed, { ahs, pieces }, digests);
}

/** A LOGICAL UNIT RESET in whose place a task is aborted that is not there (RFC 7143, 11.5.1). */
export function harmlessReset({ header, ahs, pieces }: RawPdu, digests: Digests): Uint8Array[] {
  const changed = header.slice();
  changed[1] = BHS_FLAG.FINAL | ABORT_TASK;
  putU32(changed, 20, NO_TAG);
  return withHeader(changed, { ahs, pieces }, digests);
}

/** The target's answer to that, saying that the function was rejected. */
export function rejectedReset(
  answer: TargetPdu & { kind: 'task-management' },
  digests: Digests,
): Uint8Array[] {
  return sealed(encodeTargetHeader({ ...answer, response: FUNCTION_REJECTED }), new Uint8Array(0), digests);
}

/** A PDU with another header of the same length, and the digest of that. */
export function withHeader(
  changed: Uint8Array,
  { ahs, pieces }: Pick<RawPdu, 'ahs' | 'pieces'>,
  digests: Digests,
): Uint8Array[] {
  const [, ...rest] = pieces;
  if (!digests.header) return [changed, ...rest];
  return [changed, ahs, digestOf(changed, ahs), ...rest.slice(1)].filter(({ length }) => length > 0);
}

/** The answer to a command that was made harmless, of the target's own: its numbers, with the verdict. */
export function answerOf(
  answer: TargetPdu & { kind: 'response' | 'data-in' },
  { status, sense }: Verdict,
  expectedBytes: number,
  digests: Digests,
): Uint8Array[] {
  const { tag, statSN, expCmdSN, maxCmdSN } = answer;
  const residual =
    expectedBytes === 0
      ? ({ kind: 'none', bytes: 0 } as const)
      : ({ kind: 'underflow', bytes: expectedBytes } as const);
  const data = sense === undefined ? new Uint8Array(0) : senseSegment(sense);
  const numbers = { statSN, expCmdSN, maxCmdSN, expDataSN: 0 };
  const header = encodeTargetHeader({
    kind: 'response',
    response: 0,
    status,
    tag,
    ...numbers,
    residual,
    data,
  });
  return sealed(header, data, digests);
}

/** The data segment of a SCSI Response: the length, then the sense data (RFC 7143, 11.4.7). */
function senseSegment([key, asc, ascq]: readonly [number, number, number]): Uint8Array {
  const segment = new Uint8Array(2 + SENSE_BYTES);
  segment[1] = SENSE_BYTES;
  segment.set([0x70, 0, key, 0, 0, 0, 0, SENSE_BYTES - 8, 0, 0, 0, 0, asc, ascq], 2);
  return segment;
}
