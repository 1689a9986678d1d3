import { NBD_LIMIT } from '../../wire/nbd/constants.ts';
import type { ExportInfo } from '../../wire/nbd/export-info.ts';
import type { Command } from '../../wire/nbd/request.ts';
import { rangeProblem } from '../range.ts';

/** Why a request is not to be sent to an export, and as which error that counts. */
export interface CommandProblem {
  why: string;
  code: 'EINVAL' | 'EPERM' | 'ENOTSUP';
}

/**
 * What this export does not take, by what it said of itself: "The client MUST NOT use a feature documented as 'exposed' by
 * a flag unless that flag was set". The export may have shrunk since its size was looked at: that is a fault of the
 * storage and not of this program.
 */
export function commandProblem(info: ExportInfo, command: Command): CommandProblem | undefined {
  if (command.kind === 'flush') return undefined;
  if (command.kind !== 'read' && info.readOnly) return { why: 'the export is read-only', code: 'EPERM' };
  const missing = missingFeature(info, command);
  if (missing !== undefined) return { why: `the export does not offer ${missing}`, code: 'ENOTSUP' };
  const lengthBytes = command.kind === 'write' ? command.bytes.length : command.lengthBytes;
  const { minimumBytes: alignmentBytes, maximumPayloadBytes } = info.blockSizes;
  const maximumBytes =
    payloadBytesOf(command) > 0
      ? Math.min(maximumPayloadBytes, NBD_LIMIT.payloadBytes)
      : NBD_LIMIT.effectBytes;
  const extent = { sizeBytes: info.sizeBytes, alignmentBytes, maximumBytes };
  const why = rangeProblem(extent, command.offsetBytes, lengthBytes);
  return why === undefined ? undefined : { why, code: 'EINVAL' };
}

/** Bytes that travel with a request or its answer. */
export function payloadBytesOf(command: Command): number {
  if (command.kind === 'write') return command.bytes.length;
  return command.kind === 'read' ? command.lengthBytes : 0;
}

function missingFeature(info: ExportInfo, command: Command): string | undefined {
  if (command.kind === 'trim' && !info.canTrim) return 'trim';
  if (command.kind !== 'write-zeroes') return undefined;
  if (!info.canWriteZeroes) return 'to write zeroes';
  return command.fast && !info.canFastZero ? 'to tell whether zeroes are fast' : undefined;
}
