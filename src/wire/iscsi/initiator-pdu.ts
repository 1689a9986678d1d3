import { BHS_FLAG, INITIATOR_OPCODE } from './constants.ts';
import { getLun, type Lun, newHeader, putLun, putU16, putU32, u16, u32 } from './header-fields.ts';
import type { RawPdu } from './pdu.ts';

/** What every request of an initiator has: its Initiator Task Tag, and where the numbering of the session stands. */
interface Numbered {
  immediate: boolean;
  tag: number;
  cmdSN: number;
  expStatSN: number;
}

/** SCSI Command (RFC 7143, section 11.3). Of a longer CDB the rest is in the additional header segments. */
interface ScsiCommand extends Numbered {
  kind: 'command';
  /** No unsolicited Data-Out follows. */
  final: boolean;
  read: boolean;
  write: boolean;
  attribute: number;
  lun: Lun;
  expectedBytes: number;
  /** 16 bytes when it was received; when it is sent, up to 16. */
  cdb: Uint8Array;
  data: Uint8Array;
}

/** Data-Out (section 11.7). `targetTag`: of the R2T that asked for it, or NO_TAG. */
interface DataOut {
  kind: 'data-out';
  final: boolean;
  lun: Lun;
  tag: number;
  targetTag: number;
  expStatSN: number;
  dataSN: number;
  offsetBytes: number;
  data: Uint8Array;
}

/** Task Management Function Request (section 11.5). */
interface TaskManagementRequest extends Numbered {
  kind: 'task-management';
  function: number;
  lun: Lun;
  referencedTag: number;
  refCmdSN: number;
}

/** Login Request (section 11.12). */
interface LoginRequest extends Numbered {
  kind: 'login';
  transit: boolean;
  continued: boolean;
  currentStage: number;
  nextStage: number;
  versionMax: number;
  versionMin: number;
  isid: Uint8Array;
  tsih: number;
  connection: number;
  data: Uint8Array;
}

/** Text Request (section 11.10). */
interface TextRequest extends Numbered {
  kind: 'text';
  final: boolean;
  continued: boolean;
  lun: Lun;
  targetTag: number;
  data: Uint8Array;
}

/** Logout Request (section 11.14). */
interface LogoutRequest extends Numbered {
  kind: 'logout';
  reason: number;
  connection: number;
}

/** NOP-Out (section 11.18): a ping, or with NO_TAG as its own tag the answer to one. */
interface NopOut extends Numbered {
  kind: 'nop-out';
  lun: Lun;
  targetTag: number;
  data: Uint8Array;
}

/** SNACK Request (section 11.16), which nobody sends at ErrorRecoveryLevel 0. */
interface Snack {
  kind: 'snack';
  type: number;
  lun: Lun;
  tag: number;
  targetTag: number;
  expStatSN: number;
  begin: number;
  runLength: number;
}

export type InitiatorPdu =
  ScsiCommand | DataOut | TaskManagementRequest | LoginRequest | TextRequest | LogoutRequest | NopOut | Snack;

/** The header of a PDU; `sealed` puts its data behind it. */
export function encodeInitiatorHeader(pdu: InitiatorPdu): Uint8Array {
  switch (pdu.kind) {
    case 'command':
      return encodeCommand(pdu);
    case 'data-out': {
      const header = begin(INITIATOR_OPCODE.DATA_OUT, pdu.final ? BHS_FLAG.FINAL : 0, pdu, pdu.data.length);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      putU32(header, 36, pdu.dataSN);
      putU32(header, 40, pdu.offsetBytes);
      return header;
    }
    case 'task-management': {
      const header = numbered(INITIATOR_OPCODE.TASK_MANAGEMENT, BHS_FLAG.FINAL | pdu.function, pdu);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.referencedTag);
      putU32(header, 32, pdu.refCmdSN);
      return header;
    }
    case 'login':
      return encodeLogin(pdu);
    case 'text': {
      const flags = (pdu.final ? BHS_FLAG.FINAL : 0) | (pdu.continued ? BHS_FLAG.CONTINUE : 0);
      const header = numbered(INITIATOR_OPCODE.TEXT, flags, pdu, pdu.data.length);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      return header;
    }
    case 'logout': {
      const header = numbered(INITIATOR_OPCODE.LOGOUT, BHS_FLAG.FINAL | pdu.reason, pdu);
      putU16(header, 20, pdu.connection);
      return header;
    }
    case 'nop-out': {
      const header = numbered(INITIATOR_OPCODE.NOP_OUT, BHS_FLAG.FINAL, pdu, pdu.data.length);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      return header;
    }
    case 'snack': {
      const header = begin(INITIATOR_OPCODE.SNACK, BHS_FLAG.FINAL | pdu.type, pdu, 0);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      putU32(header, 40, pdu.begin);
      putU32(header, 44, pdu.runLength);
      return header;
    }
    default:
      return pdu satisfies never;
  }
}

function encodeCommand(pdu: ScsiCommand): Uint8Array {
  if (pdu.cdb.length > 16) throw new Error(`invariant: a CDB of ${pdu.cdb.length} bytes`);
  const flags =
    (pdu.final ? BHS_FLAG.FINAL : 0) |
    (pdu.read ? BHS_FLAG.READ : 0) |
    (pdu.write ? BHS_FLAG.WRITE : 0) |
    pdu.attribute;
  const header = numbered(INITIATOR_OPCODE.SCSI_COMMAND, flags, pdu, pdu.data.length);
  putLun(header, pdu.lun);
  putU32(header, 20, pdu.expectedBytes);
  header.set(pdu.cdb, 32);
  return header;
}

function encodeLogin(pdu: LoginRequest): Uint8Array {
  const flags = (pdu.transit ? BHS_FLAG.FINAL : 0) | (pdu.continued ? BHS_FLAG.CONTINUE : 0);
  const stages = (pdu.currentStage << 2) | pdu.nextStage;
  const header = numbered(INITIATOR_OPCODE.LOGIN, flags | stages, pdu, pdu.data.length);
  header[2] = pdu.versionMax;
  header[3] = pdu.versionMin;
  header.set(pdu.isid, 8);
  putU16(header, 14, pdu.tsih);
  putU16(header, 20, pdu.connection);
  return header;
}

function begin(
  opcode: number,
  flags: number,
  pdu: { tag: number; expStatSN: number },
  dataBytes: number,
): Uint8Array {
  const header = newHeader(opcode, flags, dataBytes);
  putU32(header, 16, pdu.tag);
  putU32(header, 28, pdu.expStatSN);
  return header;
}

function numbered(opcode: number, flags: number, pdu: Numbered, dataBytes = 0): Uint8Array {
  const header = begin(pdu.immediate ? opcode | BHS_FLAG.IMMEDIATE : opcode, flags, pdu, dataBytes);
  putU32(header, 24, pdu.cmdSN);
  return header;
}

/** What an initiator sent, field by field; undefined for an opcode that is none of an initiator's. Views, not copies. */
export function decodeInitiatorPdu({ header, data, opcode }: RawPdu): InitiatorPdu | undefined {
  const flags = header[1]!;
  const final = (flags & BHS_FLAG.FINAL) !== 0;
  const continued = (flags & BHS_FLAG.CONTINUE) !== 0;
  const tag = u32(header, 16);
  const expStatSN = u32(header, 28);
  const numbers: Numbered = {
    immediate: (header[0]! & BHS_FLAG.IMMEDIATE) !== 0,
    tag,
    cmdSN: u32(header, 24),
    expStatSN,
  };
  switch (opcode) {
    case INITIATOR_OPCODE.SCSI_COMMAND:
      return {
        kind: 'command',
        ...numbers,
        final,
        read: (flags & BHS_FLAG.READ) !== 0,
        write: (flags & BHS_FLAG.WRITE) !== 0,
        attribute: flags & 0x07,
        lun: getLun(header),
        expectedBytes: u32(header, 20),
        cdb: header.subarray(32, 48),
        data,
      };
    case INITIATOR_OPCODE.DATA_OUT:
      return {
        kind: 'data-out',
        final,
        lun: getLun(header),
        tag,
        targetTag: u32(header, 20),
        expStatSN,
        dataSN: u32(header, 36),
        offsetBytes: u32(header, 40),
        data,
      };
    case INITIATOR_OPCODE.TASK_MANAGEMENT:
      return {
        kind: 'task-management',
        ...numbers,
        function: flags & 0x7f,
        lun: getLun(header),
        referencedTag: u32(header, 20),
        refCmdSN: u32(header, 32),
      };
    case INITIATOR_OPCODE.LOGIN:
      return {
        kind: 'login',
        ...numbers,
        transit: final,
        continued,
        currentStage: (flags >>> 2) & 3,
        nextStage: flags & 3,
        versionMax: header[2]!,
        versionMin: header[3]!,
        isid: header.subarray(8, 14),
        tsih: u16(header, 14),
        connection: u16(header, 20),
        data,
      };
    case INITIATOR_OPCODE.TEXT:
      return {
        kind: 'text',
        ...numbers,
        final,
        continued,
        lun: getLun(header),
        targetTag: u32(header, 20),
        data,
      };
    case INITIATOR_OPCODE.LOGOUT:
      return { kind: 'logout', ...numbers, reason: flags & 0x7f, connection: u16(header, 20) };
    case INITIATOR_OPCODE.NOP_OUT:
      return { kind: 'nop-out', ...numbers, lun: getLun(header), targetTag: u32(header, 20), data };
    case INITIATOR_OPCODE.SNACK:
      return {
        kind: 'snack',
        type: flags & 0x0f,
        lun: getLun(header),
        tag,
        targetTag: u32(header, 20),
        expStatSN,
        begin: u32(header, 40),
        runLength: u32(header, 44),
      };
    default:
      return undefined;
  }
}
