import type { OperationalNegotiation } from './operational.ts';
import type { Digests } from './pdu.ts';

/** What was negotiated (RFC 7143, section 13). */
export interface SessionParameters {
  digests: Digests;
  initialR2T: boolean;
  immediateData: boolean;
  maxBurstBytes: number;
  /** Never more than `maxBurstBytes`. */
  firstBurstBytes: number;
  /** The longest data segments: what the target takes, and what it was told that this initiator takes. */
  maxSendSegmentBytes: number;
  maxReceiveSegmentBytes: number;
  maxOutstandingR2T: number;
  waitSeconds: number;
  retainSeconds: number;
  /** undefined where the target did not tell. */
  targetPortalGroupTag: number | undefined;
  targetAlias: string | undefined;
  /** The target's handle of this session: never 0. */
  tsih: number;
}

export function sessionParameters(
  agreed: OperationalNegotiation,
  ours: { maxReceiveSegmentBytes: number },
  told: Pick<SessionParameters, 'targetPortalGroupTag' | 'targetAlias' | 'tsih'>,
): SessionParameters {
  const maxBurstBytes = agreed.number('MaxBurstLength');
  return {
    digests: { header: agreed.digest('HeaderDigest'), data: agreed.digest('DataDigest') },
    initialR2T: agreed.flag('InitialR2T'),
    immediateData: agreed.flag('ImmediateData'),
    maxBurstBytes,
    firstBurstBytes: Math.min(agreed.number('FirstBurstLength'), maxBurstBytes),
    maxSendSegmentBytes: agreed.number('MaxRecvDataSegmentLength'),
    maxReceiveSegmentBytes: ours.maxReceiveSegmentBytes,
    maxOutstandingR2T: agreed.number('MaxOutstandingR2T'),
    waitSeconds: agreed.number('DefaultTime2Wait'),
    retainSeconds: agreed.number('DefaultTime2Retain'),
    ...told,
  };
}
