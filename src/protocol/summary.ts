import { epochOf, type State, tenureOf } from './state.ts';
import { pauseInForce } from './pause.ts';
import type { OwnershipRecord, Pause, Reading, Role } from './types.ts';

/** What a status display may say about a server. */
export interface Summary {
  role: Role;
  /** The service is up and, where `at` was given, the lease lasts. */
  serving: boolean;
  /** Reads of the quorum area fail. */
  blind: boolean;
  /** Of the claim or the ownership; 0 without one. */
  epoch: number;
  /** Milliseconds of the monotonic clock; undefined without a lease. */
  leaseEndsAt: number | undefined;
  /** The owner in the record as last seen; '' for none. */
  owner: string;
  /** The epoch in the record as last seen, released ones and claims included; 0 for none. */
  ownerEpoch: number;
  /** R10: nobody takes over by itself; null for no pause, and for one that was lifted here. */
  pause: Pause | null;
  /** R10: this server would take over, and does not. */
  holdsBack: boolean;
}

export function summary(state: State, at?: number): Summary {
  const { phase, service, failures, record } = state;
  const leaseEndsAt = tenureOf(phase)?.leaseEndsAt;
  const inLease = leaseEndsAt !== undefined && (at === undefined || at < leaseEndsAt);
  return {
    role: phase.role,
    serving: phase.role === 'active' && service === 'running' && inLease,
    blind: failures > 0,
    epoch: epochOf(phase),
    leaseEndsAt,
    ...ownerIn(record),
    pause: pauseInForce(state),
    holdsBack: state.pauses.holds,
  };
}

export function ownerIn(record: Reading<OwnershipRecord> | undefined): { owner: string; ownerEpoch: number } {
  if (record?.kind !== 'valid') return { owner: '', ownerEpoch: 0 };
  const { status, node, epoch } = record.value;
  return { owner: status === 1 ? node : '', ownerEpoch: epoch };
}
