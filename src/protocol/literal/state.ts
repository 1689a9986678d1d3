import { ownerIn, type Summary } from '../summary.ts';
import type { Identity, OwnershipRecord, Reading, Role } from '../types.ts';

/** What one server knows under the method as published. Plain data, never changed in place. */
export interface LiteralState {
  readonly identity: Identity;
  readonly role: Exclude<Role, 'starting'>;
  readonly pending: 'read' | 'write' | undefined;
  /** When the timer runs out: the next read of a standby, the next heartbeat of an owner. */
  readonly timerAt: number;
  /** As a standby: the heartbeat value last read, and how often in a row it was the same. */
  readonly seen: { readonly count: number; readonly unchanged: number } | undefined;
  /** The heartbeat value last written, or to be written next by a contender. */
  readonly count: number;
  readonly service: 'none' | 'starting' | 'running';
  /** When to ask for the data area again. */
  readonly retryAt: number | undefined;
  readonly exits: boolean;
  readonly failures: number;
  readonly record: Reading<OwnershipRecord> | undefined;
  readonly wakeAt: number | undefined;
}

/** A server that has not been started. Its first event is `start`. */
export function literalInitialState(identity: Identity): LiteralState {
  return {
    identity,
    role: 'standby',
    pending: 'read',
    timerAt: 0,
    seen: undefined,
    count: 0,
    service: 'none',
    retryAt: undefined,
    exits: false,
    failures: 0,
    record: undefined,
    wakeAt: undefined,
  };
}

/** As `summary`; there are no leases and no epochs. */
export function literalSummary({ role, service, failures, record }: LiteralState): Summary {
  return {
    role,
    serving: role === 'active' && service === 'running',
    blind: failures > 0,
    epoch: 0,
    leaseEndsAt: undefined,
    ...ownerIn(record),
    pause: null,
    holdsBack: false,
  };
}
