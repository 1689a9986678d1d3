import { manage, type ManagementRequest } from './management.ts';
import type { UnitIds } from './unit-ids.ts';

/** The name of the one target of a storage node. */
const TARGET_NAME = 'iqn.2026-11.example.arbiter:storage';
export const QUORUM_LUN = 1;
export const DATA_LUN = 2;

/** Who may log in, and as whom. Secrets are never part of an argument, a log line or an error. */
export interface Chap {
  user: string;
  secret: string;
}

export interface TargetOptions {
  ids: UnitIds;
  /** Paths that tgtd opens; a comma cannot be said to it. */
  quorumPath: string;
  dataPath: string;
  readOnly: boolean;
  chap: Chap | null;
}

/** A request is answered by tgtd's one event loop, at once unless the machine is busy. */
const ANSWER_WITHIN_MS = 5000;

/**
 * What the target offers in a login (RFC 7143, section 13): large segments, and data with the command, so that a write of
 * the arbiter is one message there and one back.
 */
const PARAMETERS = {
  MaxRecvDataSegmentLength: 262144,
  MaxXmitDataSegmentLength: 262144,
  FirstBurstLength: 262144,
  MaxBurstLength: 1048576,
  InitialR2T: 'No',
  ImmediateData: 'Yes',
  // Left to the initiator.
  HeaderDigest: 'CRC32C,None',
  DataDigest: 'CRC32C,None',
};

/** Makes the target and its two units in a tgtd that has just begun; nobody is let in before all of it is there. */
export async function configure(socketPath: string, options: TargetOptions): Promise<void> {
  for (const request of requests(options)) await manage(socketPath, request, ANSWER_WITHIN_MS);
}

function* requests({
  ids,
  quorumPath,
  dataPath,
  readOnly,
  chap,
}: TargetOptions): Generator<ManagementRequest> {
  const { tid } = ids;
  yield { mode: 'target', op: 'new', tid, parameters: `targetname=${TARGET_NAME}` };
  for (const [key, value] of Object.entries(PARAMETERS)) {
    yield { mode: 'target', op: 'update', tid, parameters: `${key}=${value}` };
  }
  for (const [lun, path] of [
    [QUORUM_LUN, quorumPath],
    [DATA_LUN, dataPath],
  ] as const) {
    yield { mode: 'device', op: 'new', tid, lun, parameters: `path=${path}` };
    const named = `scsi_id=${ids.scsiId(lun)},scsi_sn=${ids.serial(lun)}`;
    const written = readOnly ? ',readonly=1' : '';
    yield { mode: 'device', op: 'update', tid, lun, parameters: `targetOps ${named}${written},` };
  }
  if (chap !== null) {
    yield { mode: 'account', op: 'new', parameters: `user=${chap.user},password=${chap.secret}` };
    yield { mode: 'account', op: 'bind', tid, parameters: `user=${chap.user}` };
  }
  yield { mode: 'target', op: 'bind', tid, parameters: 'initiator-address=127.0.0.1' };
}
