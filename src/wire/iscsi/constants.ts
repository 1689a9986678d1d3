/**
 * The numbers of iSCSI (RFC 7143, section 11), under the names its text gives them as far as it names them. Everything
 * on the wire is big-endian, but for the digests.
 */

/** Opcodes of what an initiator sends (section 11.2.1.2). */
export const INITIATOR_OPCODE = {
  NOP_OUT: 0x00,
  SCSI_COMMAND: 0x01,
  TASK_MANAGEMENT: 0x02,
  LOGIN: 0x03,
  TEXT: 0x04,
  DATA_OUT: 0x05,
  LOGOUT: 0x06,
  SNACK: 0x10,
} as const;

/** Opcodes of what a target sends (section 11.2.1.2). */
export const TARGET_OPCODE = {
  NOP_IN: 0x20,
  SCSI_RESPONSE: 0x21,
  TASK_MANAGEMENT: 0x22,
  LOGIN: 0x23,
  TEXT: 0x24,
  DATA_IN: 0x25,
  LOGOUT: 0x26,
  R2T: 0x31,
  ASYNC: 0x32,
  REJECT: 0x3f,
} as const;

const opcodeNames = new Map<number, string>([
  [INITIATOR_OPCODE.NOP_OUT, 'NOP-Out'],
  [INITIATOR_OPCODE.SCSI_COMMAND, 'SCSI Command'],
  [INITIATOR_OPCODE.TASK_MANAGEMENT, 'Task Management Request'],
  [INITIATOR_OPCODE.LOGIN, 'Login Request'],
  [INITIATOR_OPCODE.TEXT, 'Text Request'],
  [INITIATOR_OPCODE.DATA_OUT, 'Data-Out'],
  [INITIATOR_OPCODE.LOGOUT, 'Logout Request'],
  [INITIATOR_OPCODE.SNACK, 'SNACK Request'],
  [TARGET_OPCODE.NOP_IN, 'NOP-In'],
  [TARGET_OPCODE.SCSI_RESPONSE, 'SCSI Response'],
  [TARGET_OPCODE.TASK_MANAGEMENT, 'Task Management Response'],
  [TARGET_OPCODE.LOGIN, 'Login Response'],
  [TARGET_OPCODE.TEXT, 'Text Response'],
  [TARGET_OPCODE.DATA_IN, 'Data-In'],
  [TARGET_OPCODE.LOGOUT, 'Logout Response'],
  [TARGET_OPCODE.R2T, 'R2T'],
  [TARGET_OPCODE.ASYNC, 'Asynchronous Message'],
  [TARGET_OPCODE.REJECT, 'Reject'],
]);

/** Name of a PDU by its opcode, for messages. */
export function pduName(opcode: number): string {
  return opcodeNames.get(opcode) ?? `PDU of opcode 0x${opcode.toString(16).padStart(2, '0')}`;
}

/** Bits of the first two bytes of a header (section 11.2.1). */
export const BHS_FLAG = {
  /** Byte 0: delivered at once, and no CmdSN used up. */
  IMMEDIATE: 0x40,
  /** Byte 1: the last PDU of its sequence; T(ransit) in a login. */
  FINAL: 0x80,
  /** Byte 1 of login and text: the text goes on in the next PDU. */
  CONTINUE: 0x40,
  /** Byte 1 of a SCSI command. */
  READ: 0x40,
  WRITE: 0x20,
  /** Byte 1 of Data-In: an acknowledgement is asked for. */
  ACKNOWLEDGE: 0x40,
  /** Byte 1 of Data-In: this is the status too. */
  STATUS: 0x01,
  /** Byte 1 of SCSI Response and Data-In: how the residual is meant. */
  OVERFLOW: 0x04,
  UNDERFLOW: 0x02,
} as const;

/** "Reserved" as an Initiator Task Tag, a Target Transfer Tag or a Referenced Task Tag. */
export const NO_TAG = 0xffff_ffff;

/** Bytes of the Basic Header Segment (section 11.2.1). */
export const BHS_BYTES = 48;
/** Bytes of a digest (section 11.2.3). */
export const DIGEST_BYTES = 4;

/** IANA's port for iSCSI. */
export const ISCSI_DEFAULT_PORT = 3260;
