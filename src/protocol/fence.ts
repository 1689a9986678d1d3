import { nextEpoch, epochClaimed } from './epoch.ts';
import { invariant } from './invariant.ts';
import { hurrySlot } from './slot.ts';
import type { Access, Tenure } from './state.ts';
import { releaseBecause, stopService } from './stop.ts';
import { accessRetryMs, leaseMs } from './timing.ts';
import { change, changeTenure, emit, type EventOf, moveTo, note, type Turn } from './turn.ts';
import type { OwnershipRecord } from './types.ts';

/** R4, R7: owner of the quorum area; the data area is yet to be obtained. */
export function becomeOwner(
  turn: Turn,
  { epoch, pause }: OwnershipRecord,
  heartbeat: { startedAt: number; writtenAt: number },
): void {
  const { timings } = turn.state.identity;
  const tenure: Tenure = {
    epoch,
    leaseEndsAt: heartbeat.startedAt,
    cycleStartedAt: heartbeat.startedAt,
    nextCycleAt: heartbeat.startedAt + timings.intervalMs,
    hurry: false,
    access: { state: 'obtaining' },
    pause,
  };
  moveTo(turn, { role: 'active', tenure }, 'R4', 'claim settled and established');
  holdLease(turn, heartbeat);
  obtain(turn);
}

/** R5: a lease counts from the start of the cycle whose write was acknowledged. */
export function holdLease(turn: Turn, heartbeat: { startedAt: number; writtenAt: number }): void {
  const endsAt = heartbeat.startedAt + leaseMs(turn.state.identity.timings);
  changeTenure(turn, { leaseEndsAt: endsAt });
  const { epoch } = tenureIn(turn);
  note(turn, { event: 'lease', epoch, count: turn.state.count, ...heartbeat, endsAt });
  emit(turn, { do: 'lease', epoch, endsAt });
}

export function obtain(turn: Turn): void {
  const { epoch } = tenureIn(turn);
  changeTenure(turn, { access: { state: 'obtaining' } });
  note(turn, { event: 'access', epoch, outcome: 'obtaining' });
  emit(turn, { do: 'obtain', epoch });
}

/** R7: let in, and everything older shut out. What counts is what the record shows from now on. */
export function accessGranted(turn: Turn, { epoch, at }: EventOf<'access-granted'>): void {
  const { phase } = turn.state;
  if (phase.role === 'active' && isAwaited(phase.tenure, epoch)) {
    note(turn, { event: 'access', epoch, outcome: 'granted' });
    return changeTenure(turn, { access: { state: 'granted', grantedAt: at }, hurry: true });
  }
  // Granted to somebody who is not active any more. While a service is ending, its end gives the access up.
  if (phase.role !== 'active' && phase.role !== 'stopping') emit(turn, { do: 'give-up-access' });
}

export function accessRefused(turn: Turn, event: EventOf<'access-refused'>): void {
  const { epoch, grantedEpoch, reason } = event;
  const { phase, epochs, identity } = turn.state;
  if (grantedEpoch !== undefined) change(turn, { epochs: epochClaimed(epochs, grantedEpoch) });
  if (phase.role !== 'active' || !isAwaited(phase.tenure, epoch)) return;
  const grant = grantedEpoch === undefined ? {} : { grantedEpoch };
  note(turn, { event: 'access', epoch, outcome: 'refused', ...grant, reason });
  if (grantedEpoch === undefined || grantedEpoch < epoch) return retryLater(turn);
  // The next epoch goes into the own slot before it goes anywhere else.
  const to = nextEpoch(turn.state.epochs.highest, identity);
  change(turn, { epochs: epochClaimed(turn.state.epochs, to) });
  changeTenure(turn, { access: { state: 'raising', to, grantedEpoch, reserved: false } });
  hurrySlot(turn);
  const { service } = turn.state;
  if (service === 'starting' || service === 'running') {
    stopService(turn, 'now', turn.at, `it runs under epoch ${epoch}, which is refused`);
  }
}

export function accessFailed(turn: Turn, { epoch, reason }: EventOf<'access-failed'>): void {
  const { phase } = turn.state;
  if (phase.role !== 'active' || !isAwaited(phase.tenure, epoch)) return;
  note(turn, { event: 'access', epoch, outcome: 'failed', reason });
  retryLater(turn);
}

/** R7: an owner that is refused later reads the record again before anything else. */
export function accessLost(turn: Turn, { epoch, at, reason }: EventOf<'access-lost'>): void {
  const { phase } = turn.state;
  if (phase.role !== 'active' || phase.tenure.epoch !== epoch) return;
  const { state } = phase.tenure.access;
  if (state !== 'granted' && state !== 'verified') return;
  note(turn, { event: 'access', epoch, outcome: 'lost', reason });
  changeTenure(turn, { access: { state: 'lost', lostAt: at }, hurry: true });
}

/** R7: a read shows the own ownership, and started when the data area had been granted, or was lost. */
export function sawOwnership(turn: Turn): void {
  const { epoch, access } = tenureIn(turn);
  if (access.state === 'lost') return obtain(turn);
  changeTenure(turn, { access: { state: 'verified' } });
  note(turn, { event: 'access', epoch, outcome: 'verified' });
  startService(turn);
}

/** True for a read that R7 waits for: its answer is not a heartbeat's look alone. */
export function isAwaitedRead(access: Access, startedAt: number): boolean {
  if (access.state === 'granted') return startedAt >= access.grantedAt;
  return access.state === 'lost' && startedAt >= access.lostAt;
}

export function serviceStarted(turn: Turn, { pid }: EventOf<'service-started'>): void {
  const { phase, service } = turn.state;
  if (phase.role !== 'active' || service !== 'starting') return;
  change(turn, { service: 'running' });
  note(turn, { event: 'service', phase: 'started', epoch: phase.tenure.epoch, reason: 'verified', pid });
}

/** A service that cannot be kept running here may run elsewhere: the area is released for a standby (R8). */
export function serviceFailed(
  turn: Turn,
  { kind, reason }: EventOf<'service-failed' | 'service-ended'>,
): void {
  const { phase, service } = turn.state;
  if (phase.role !== 'active' || service === 'none') return;
  const { epoch } = phase.tenure;
  change(turn, { service: 'none' });
  if (service === 'stopping' && kind === 'service-failed') return change(turn, { service });
  note(turn, { event: 'service', phase: kind === 'service-failed' ? 'failed' : 'ended', epoch, reason });
  // It was ended for a raised epoch, and comes back under the new one.
  if (service === 'stopping') return startService(turn);
  releaseBecause(turn, `the service ${kind === 'service-failed' ? 'failed' : 'ended'}: ${reason}`, {
    do: 'observe',
  });
}

function startService(turn: Turn): void {
  const { epoch, access } = tenureIn(turn);
  if (access.state !== 'verified' || turn.state.service !== 'none') return;
  change(turn, { service: 'starting' });
  note(turn, { event: 'service', phase: 'starting', epoch, reason: 'verified' });
  emit(turn, { do: 'start-service', epoch });
}

function retryLater(turn: Turn): void {
  const retryAt = turn.at + accessRetryMs(turn.state.identity.timings);
  changeTenure(turn, { access: { state: 'retry', retryAt } });
}

function isAwaited({ epoch, access }: Tenure, granted: number): boolean {
  return access.state === 'obtaining' && epoch === granted;
}

function tenureIn(turn: Turn): Tenure {
  const { phase } = turn.state;
  invariant('tenure' in phase, 'an owner has a tenure');
  return phase.tenure;
}
