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

/** The same with its article. */
export function aPdu(opcode: number): string {
  const name = pduName(opcode);
  return `${/^(?:R2T|Async)/.test(name) ? 'an' : 'a'} ${name}`;
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

/** Task attributes (section 11.3.1.2). */
export const TASK_ATTRIBUTE = { SIMPLE: 1 } as const;

/** Login stages (section 11.12.3). */
export const STAGE = { SECURITY: 0, OPERATIONAL: 1, FULL_FEATURE: 3 } as const;

/** Functions of a Task Management Request (section 11.5.1). */
export const TASK_FUNCTION = {
  ABORT_TASK: 1,
  ABORT_TASK_SET: 2,
  CLEAR_ACA: 3,
  CLEAR_TASK_SET: 4,
  LOGICAL_UNIT_RESET: 5,
  TARGET_WARM_RESET: 6,
  TARGET_COLD_RESET: 7,
  TASK_REASSIGN: 8,
} as const;

/** Responses to a Task Management Request (section 11.6.1). */
export const TASK_RESPONSE = { COMPLETE: 0, NO_SUCH_TASK: 1 } as const;

/** Reasons of a Logout Request (section 11.14.1). */
export const LOGOUT_REASON = { CLOSE_SESSION: 0 } as const;

/** Events of an Asynchronous Message (section 11.9.1). */
export const ASYNC_EVENT = {
  SCSI: 0,
  LOGOUT_REQUESTED: 1,
  CONNECTION_DROPPED: 2,
  SESSION_DROPPED: 3,
  NEGOTIATION_REQUESTED: 4,
  TASKS_TERMINATED: 5,
} as const;

/** Bounds of what either side sends or accepts. */
export const ISCSI_LIMIT = {
  /** Section 13.12: the data segment, in bytes, while nothing else was declared: so during a login. */
  loginSegmentBytes: 8192,
  /** Section 4.2.7: an iSCSI name, in bytes. */
  nameBytes: 223,
  /** Section 6.1: a value that is not said to be longer. */
  valueBytes: 255,
  /** Section 6.2: the text of one negotiation, over all its PDUs. */
  textBytes: 65536,
  /** Requests that a login may take. It has three to six. */
  loginRequests: 32,
  /** Requests that the answer to one text may take. */
  textRounds: 64,
  /** Keys that this side does not understand and answers, in one text. */
  unknownKeys: 32,
} as const;

/** Bytes of the Basic Header Segment (section 11.2.1). */
export const BHS_BYTES = 48;
/** Bytes of a digest (section 11.2.3). */
export const DIGEST_BYTES = 4;

/** IANA's port for iSCSI. */
export const ISCSI_DEFAULT_PORT = 3260;
