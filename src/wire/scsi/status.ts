import { hex } from './operation.ts';

/** SAM-5, 5.3.1 "Status codes". */
export const SCSI_STATUS = {
  GOOD: 0x00,
  CHECK_CONDITION: 0x02,
  CONDITION_MET: 0x04,
  BUSY: 0x08,
  RESERVATION_CONFLICT: 0x18,
  TASK_SET_FULL: 0x28,
  ACA_ACTIVE: 0x30,
  TASK_ABORTED: 0x40,
} as const;

const names = new Map<number, string>(
  Object.entries(SCSI_STATUS).map(([name, code]) => [code, name.replaceAll('_', ' ')]),
);

/** `RESERVATION CONFLICT`; a number in hex for what has no name. */
export function scsiStatusName(status: number): string {
  return names.get(status) ?? `status ${hex(status)}`;
}
