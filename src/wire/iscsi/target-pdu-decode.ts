import { BHS_FLAG, TARGET_OPCODE } from './constants.ts';
import { getLun, u16, u32 } from './header-fields.ts';
import type { RawPdu } from './pdu.ts';
import type { Residual, TargetPdu } from './target-pdu.ts';

const noResidual: Residual = { kind: 'none', bytes: 0 };

/** What a target sent, field by field; undefined for an opcode that is none of a target's. Views, not copies. */
export function decodeTargetPdu({ header, data, opcode }: RawPdu): TargetPdu | undefined {
  const flags = header[1]!;
  const final = (flags & BHS_FLAG.FINAL) !== 0;
  const continued = (flags & BHS_FLAG.CONTINUE) !== 0;
  const tag = u32(header, 16);
  const statSN = u32(header, 24);
  const expCmdSN = u32(header, 28);
  const maxCmdSN = u32(header, 32);
  switch (opcode) {
    case TARGET_OPCODE.SCSI_RESPONSE:
      return {
        kind: 'response',
        response: header[2]!,
        status: header[3]!,
        tag,
        statSN,
        expCmdSN,
        maxCmdSN,
        expDataSN: u32(header, 36),
        residual: getResidual(header),
        data,
      };
    case TARGET_OPCODE.DATA_IN: {
      const hasStatus = (flags & BHS_FLAG.STATUS) !== 0;
      return {
        kind: 'data-in',
        final,
        acknowledge: (flags & BHS_FLAG.ACKNOWLEDGE) !== 0,
        hasStatus,
        status: hasStatus ? header[3]! : 0,
        lun: getLun(header),
        tag,
        targetTag: u32(header, 20),
        statSN,
        expCmdSN,
        maxCmdSN,
        dataSN: u32(header, 36),
        offsetBytes: u32(header, 40),
        residual: hasStatus ? getResidual(header) : noResidual,
        data,
      };
    }
    case TARGET_OPCODE.R2T:
      return {
        kind: 'r2t',
        lun: getLun(header),
        tag,
        targetTag: u32(header, 20),
        statSN,
        expCmdSN,
        maxCmdSN,
        r2tSN: u32(header, 36),
        offsetBytes: u32(header, 40),
        lengthBytes: u32(header, 44),
      };
    case TARGET_OPCODE.TASK_MANAGEMENT:
      return { kind: 'task-management', response: header[2]!, tag, statSN, expCmdSN, maxCmdSN };
    case TARGET_OPCODE.LOGIN:
      return {
        kind: 'login',
        transit: final,
        continued,
        currentStage: (flags >>> 2) & 3,
        nextStage: flags & 3,
        versionMax: header[2]!,
        versionActive: header[3]!,
        isid: header.subarray(8, 14),
        tsih: u16(header, 14),
        tag,
        statSN,
        expCmdSN,
        maxCmdSN,
        statusClass: header[36]!,
        statusDetail: header[37]!,
        data,
      };
    case TARGET_OPCODE.TEXT: {
      const targetTag = u32(header, 20);
      const lun = getLun(header);
      return { kind: 'text', final, continued, lun, tag, targetTag, statSN, expCmdSN, maxCmdSN, data };
    }
    case TARGET_OPCODE.LOGOUT:
      return {
        kind: 'logout',
        response: header[2]!,
        tag,
        statSN,
        expCmdSN,
        maxCmdSN,
        waitSeconds: u16(header, 40),
        retainSeconds: u16(header, 42),
      };
    case TARGET_OPCODE.NOP_IN: {
      const targetTag = u32(header, 20);
      return { kind: 'nop-in', lun: getLun(header), tag, targetTag, statSN, expCmdSN, maxCmdSN, data };
    }
    case TARGET_OPCODE.ASYNC:
      return {
        kind: 'async',
        lun: getLun(header),
        event: header[36]!,
        vendorCode: header[37]!,
        parameters: [u16(header, 38), u16(header, 40), u16(header, 42)],
        statSN,
        expCmdSN,
        maxCmdSN,
        data,
      };
    case TARGET_OPCODE.REJECT: {
      const dataSN = u32(header, 36);
      return { kind: 'reject', reason: header[2]!, dataSN, statSN, expCmdSN, maxCmdSN, data };
    }
    default:
      return undefined;
  }
}

/** Both bits at once are an error of the target's; an overflow is the more careful reading. */
function getResidual(header: Uint8Array): Residual {
  const flags = header[1]!;
  if ((flags & BHS_FLAG.OVERFLOW) !== 0) return { kind: 'overflow', bytes: u32(header, 44) };
  if ((flags & BHS_FLAG.UNDERFLOW) !== 0) return { kind: 'underflow', bytes: u32(header, 44) };
  return noResidual;
}
