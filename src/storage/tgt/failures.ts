import { SENSE_KEY } from '../../wire/scsi/sense.ts';
import { SCSI_STATUS } from '../../wire/scsi/status.ts';
import type { Verdict } from './harmless.ts';
import type { TaskVerdict } from './task.ts';

type Sense = Verdict['sense'] & object;

/** Errors that a rule can fail a command with, and what a target would say (SPC-4, annex D.2). */
const SENSES: Readonly<Record<string, Sense>> = {
  /** WRITE ERROR; for a read it is made UNRECOVERED READ ERROR. */
  EIO: [SENSE_KEY.MEDIUM_ERROR, 0x0c, 0x00],
  /** SPACE ALLOCATION FAILED WRITE PROTECT */
  ENOSPC: [SENSE_KEY.DATA_PROTECT, 0x27, 0x07],
  /** WRITE PROTECTED */
  EPERM: [SENSE_KEY.DATA_PROTECT, 0x27, 0x00],
  /** INVALID FIELD IN CDB */
  EINVAL: [SENSE_KEY.ILLEGAL_REQUEST, 0x24, 0x00],
  /** INSUFFICIENT RESOURCES */
  ENOMEM: [SENSE_KEY.ABORTED_COMMAND, 0x55, 0x03],
};
const READ_ERROR: Sense = [SENSE_KEY.MEDIUM_ERROR, 0x11, 0x00];

export const FAILURES: readonly string[] = Object.keys(SENSES);

export function failedWith(error: string, isRead: boolean): TaskVerdict {
  const sense = isRead && error === 'EIO' ? READ_ERROR : SENSES[error];
  return { status: SCSI_STATUS.CHECK_CONDITION, outcome: error, ...(sense === undefined ? {} : { sense }) };
}
