import { BHS_FLAG, NO_TAG, TARGET_OPCODE } from './constants.ts';
import { type Lun, newHeader, putLun, putU16, putU32 } from './header-fields.ts';

/** What every answer of a target has: the command window, and a StatSN, which not every kind uses up. */
interface Windowed {
  statSN: number;
  expCmdSN: number;
  maxCmdSN: number;
}

/** How many bytes of a command's data there were too few or too many for it (RFC 7143, section 11.4.5.2). */
export interface Residual {
  kind: 'none' | 'underflow' | 'overflow';
  bytes: number;
}

/** SCSI Response (section 11.4). `response` 0: completed at the target, and only then `status` means something. */
interface ScsiResponse extends Windowed {
  kind: 'response';
  response: number;
  status: number;
  tag: number;
  expDataSN: number;
  residual: Residual;
  /** SenseLength, sense, response data. */
  data: Uint8Array;
}

/** Data-In (section 11.7). Without `hasStatus` it has neither status nor StatSN nor residual. */
interface DataIn extends Windowed {
  kind: 'data-in';
  final: boolean;
  acknowledge: boolean;
  hasStatus: boolean;
  status: number;
  lun: Lun;
  tag: number;
  targetTag: number;
  dataSN: number;
  offsetBytes: number;
  residual: Residual;
  data: Uint8Array;
}

/** Ready To Transfer (section 11.8). Its StatSN is the next one and not used up. */
interface ReadyToTransfer extends Windowed {
  kind: 'r2t';
  lun: Lun;
  tag: number;
  targetTag: number;
  r2tSN: number;
  offsetBytes: number;
  lengthBytes: number;
}

/** Task Management Function Response (section 11.6). */
interface TaskManagementResponse extends Windowed {
  kind: 'task-management';
  response: number;
  tag: number;
}

/** Login Response (section 11.13). */
interface LoginResponse extends Windowed {
  kind: 'login';
  transit: boolean;
  continued: boolean;
  currentStage: number;
  nextStage: number;
  versionMax: number;
  versionActive: number;
  isid: Uint8Array;
  tsih: number;
  tag: number;
  statusClass: number;
  statusDetail: number;
  data: Uint8Array;
}

/** Text Response (section 11.11). */
interface TextResponse extends Windowed {
  kind: 'text';
  final: boolean;
  continued: boolean;
  lun: Lun;
  tag: number;
  targetTag: number;
  data: Uint8Array;
}

/** Logout Response (section 11.15). */
interface LogoutResponse extends Windowed {
  kind: 'logout';
  response: number;
  tag: number;
  waitSeconds: number;
  retainSeconds: number;
}

/** NOP-In (section 11.19): the answer to a ping, or with NO_TAG as the initiator's tag something of the target's own. */
interface NopIn extends Windowed {
  kind: 'nop-in';
  lun: Lun;
  tag: number;
  targetTag: number;
  data: Uint8Array;
}

/** Asynchronous Message (section 11.9). */
interface AsyncMessage extends Windowed {
  kind: 'async';
  lun: Lun;
  event: number;
  vendorCode: number;
  parameters: readonly [number, number, number];
  data: Uint8Array;
}

/** Reject (section 11.17). */
interface Reject extends Windowed {
  kind: 'reject';
  reason: number;
  dataSN: number;
  /** The header of what was rejected. */
  data: Uint8Array;
}

export type TargetPdu =
  | ScsiResponse
  | DataIn
  | ReadyToTransfer
  | TaskManagementResponse
  | LoginResponse
  | TextResponse
  | LogoutResponse
  | NopIn
  | AsyncMessage
  | Reject;

/** The header of a PDU; `sealed` puts its data behind it. */
export function encodeTargetHeader(pdu: TargetPdu): Uint8Array {
  switch (pdu.kind) {
    case 'response': {
      const header = begin(TARGET_OPCODE.SCSI_RESPONSE, residualFlags(pdu.residual), pdu.tag, pdu, pdu.data);
      header[2] = pdu.response;
      header[3] = pdu.status;
      putU32(header, 36, pdu.expDataSN);
      putU32(header, 44, pdu.residual.bytes);
      return header;
    }
    case 'data-in': {
      const flags =
        (pdu.acknowledge ? BHS_FLAG.ACKNOWLEDGE : 0) |
        (pdu.hasStatus ? BHS_FLAG.STATUS : 0) |
        residualFlags(pdu.residual);
      const header = begin(TARGET_OPCODE.DATA_IN, flags, pdu.tag, pdu, pdu.data);
      if (!pdu.final) header[1]! &= ~BHS_FLAG.FINAL;
      header[3] = pdu.status;
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      putU32(header, 36, pdu.dataSN);
      putU32(header, 40, pdu.offsetBytes);
      putU32(header, 44, pdu.residual.bytes);
      return header;
    }
    case 'r2t': {
      const header = begin(TARGET_OPCODE.R2T, 0, pdu.tag, pdu);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      putU32(header, 36, pdu.r2tSN);
      putU32(header, 40, pdu.offsetBytes);
      putU32(header, 44, pdu.lengthBytes);
      return header;
    }
    case 'task-management': {
      const header = begin(TARGET_OPCODE.TASK_MANAGEMENT, 0, pdu.tag, pdu);
      header[2] = pdu.response;
      return header;
    }
    case 'login':
      return encodeLogin(pdu);
    case 'text': {
      const header = begin(TARGET_OPCODE.TEXT, pdu.continued ? BHS_FLAG.CONTINUE : 0, pdu.tag, pdu, pdu.data);
      if (!pdu.final) header[1]! &= ~BHS_FLAG.FINAL;
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      return header;
    }
    case 'logout': {
      const header = begin(TARGET_OPCODE.LOGOUT, 0, pdu.tag, pdu);
      header[2] = pdu.response;
      putU16(header, 40, pdu.waitSeconds);
      putU16(header, 42, pdu.retainSeconds);
      return header;
    }
    case 'nop-in': {
      const header = begin(TARGET_OPCODE.NOP_IN, 0, pdu.tag, pdu, pdu.data);
      putLun(header, pdu.lun);
      putU32(header, 20, pdu.targetTag);
      return header;
    }
    case 'async': {
      const header = begin(TARGET_OPCODE.ASYNC, 0, NO_TAG, pdu, pdu.data);
      putLun(header, pdu.lun);
      header[36] = pdu.event;
      header[37] = pdu.vendorCode;
      pdu.parameters.forEach((parameter, index) => putU16(header, 38 + 2 * index, parameter));
      return header;
    }
    case 'reject': {
      const header = begin(TARGET_OPCODE.REJECT, 0, NO_TAG, pdu, pdu.data);
      header[2] = pdu.reason;
      putU32(header, 36, pdu.dataSN);
      return header;
    }
    default:
      return pdu satisfies never;
  }
}

function encodeLogin(pdu: LoginResponse): Uint8Array {
  const flags = (pdu.transit ? BHS_FLAG.FINAL : 0) | (pdu.continued ? BHS_FLAG.CONTINUE : 0);
  const header = begin(TARGET_OPCODE.LOGIN, 0, pdu.tag, pdu, pdu.data);
  header[1] = flags | (pdu.currentStage << 2) | pdu.nextStage;
  header[2] = pdu.versionMax;
  header[3] = pdu.versionActive;
  header.set(pdu.isid, 8);
  putU16(header, 14, pdu.tsih);
  header[36] = pdu.statusClass;
  header[37] = pdu.statusDetail;
  return header;
}

/** Nearly all of them have the bit of the last PDU set. */
function begin(opcode: number, flags: number, tag: number, pdu: Windowed, data?: Uint8Array): Uint8Array {
  const header = newHeader(opcode, BHS_FLAG.FINAL | flags, data?.length ?? 0);
  putU32(header, 16, tag);
  putU32(header, 24, pdu.statSN);
  putU32(header, 28, pdu.expCmdSN);
  putU32(header, 32, pdu.maxCmdSN);
  return header;
}

function residualFlags({ kind }: Residual): number {
  if (kind === 'none') return 0;
  return kind === 'overflow' ? BHS_FLAG.OVERFLOW : BHS_FLAG.UNDERFLOW;
}
