import type { DeviceUri } from '../block/uri.ts';
import { formatIscsiUri } from '../block/uri-iscsi.ts';
import { DeviceUnusable, RequestFailed } from '../ports/block-device.ts';
import { type Finding, untried } from './finding.ts';
import { iscsiFindings } from './iscsi.ts';
import { askForGate, judgeGate, serverUri } from './nbd.ts';
import { DoctorRefuses } from './refusal.ts';

interface ClosedOptions {
  deadlineMs: number;
  scratch: unknown;
  tryReservations: boolean;
}

/**
 * What can be said of a storage that lets in its owner alone, after `error`; undefined where there is nothing of that kind.
 * A gate without an export's name is no device: that is how an agent's file names it. A unit that somebody else has reserved
 * still tells of itself. Rejects with DoctorRefuses where more was asked for than that.
 */
export async function judgeClosed(
  parsed: DeviceUri,
  error: unknown,
  { deadlineMs, scratch, tryReservations }: ClosedOptions,
): Promise<Finding[] | undefined> {
  if (parsed.kind === 'nbd' && parsed.exportName === '') {
    if (!(error instanceof DeviceUnusable) || error.grantedEpoch === undefined) return undefined;
    const gate = await askForGate(parsed.address, deadlineMs);
    return [judgeGate({ gate, server: serverUri(parsed.address) })];
  }
  if (parsed.kind !== 'iscsi' || !isReserved(error)) return undefined;
  if (tryReservations || scratch !== undefined) {
    const why =
      'the unit lets in its owner alone (RESERVATION CONFLICT): it is in use, and nothing was tried';
    throw new DoctorRefuses(`${formatIscsiUri(parsed.address)}: ${why}`, 'storage');
  }
  const reads = untried('reads', 'not measured: RESERVATION CONFLICT, so the unit lets in its owner alone');
  return [...(await iscsiFindings(parsed.address, undefined, deadlineMs)), reads];
}

/** The unit was there, and somebody else's reservation kept this client out. */
export function isReserved(error: unknown): boolean {
  const failed = [error, error instanceof Error ? error.cause : undefined];
  return failed.some((each) => each instanceof RequestFailed && each.code === 'RESERVATION CONFLICT');
}
