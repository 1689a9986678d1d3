import { epochClaimed } from './epoch.ts';
import { holdLease, isAwaitedRead, obtain, sawOwnership } from './fence.ts';
import { invariant } from './invariant.ts';
import { seePause } from './pause.ts';
import type { Tenure } from './state.ts';
import { forgoRelease, killService, stopServing } from './stop.ts';
import { change, changeTenure, type EventOf, issueWrite, note, type Turn } from './turn.ts';
import type { Identity, OwnershipRecord, Reading } from './types.ts';
import { identityConflict } from './watch.ts';

/** R5: what an owner sees in the record. */
export interface Sight {
  is: 'own' | 'higher' | 'twin' | 'foreign';
  what: string;
  epoch: number | null;
}

export function look(reading: Reading<OwnershipRecord>, self: Identity, ownEpoch: number): Sight {
  if (reading.kind === 'null') return { is: 'foreign', what: 'a null record', epoch: null };
  if (reading.kind === 'damaged') {
    return { is: 'foreign', what: `a damaged record: ${reading.why}`, epoch: null };
  }
  const { node, epoch, incarnation, status } = reading.value;
  const kind = node === '' ? 'a release' : `a record of ${node}`;
  const what = `${kind} with status ${status}, epoch ${epoch}, incarnation ${incarnation.slice(0, 8)}`;
  if (epoch > ownEpoch) return { is: 'higher', what, epoch };
  if (epoch < ownEpoch) return { is: 'foreign', what, epoch };
  return { is: node === self.node && incarnation === self.incarnation ? 'own' : 'twin', what, epoch };
}

/** R5: the first half of a cycle. The lease was checked before this; it is again when the write is answered. */
export function cycleRead(turn: Turn, event: EventOf<'read'>): void {
  const { identity, phase } = turn.state;
  invariant(phase.role === 'active' || phase.role === 'stopping', 'a cycle has an owner');
  const { tenure } = phase;
  changeTenure(turn, {
    cycleStartedAt: event.startedAt,
    nextCycleAt: event.startedAt + identity.timings.intervalMs,
  });
  const sight = look(event.area.record, identity, tenure.epoch);
  if (sight.is === 'higher') return stepDown(turn, 'R5', `the record shows ${sight.what}`);
  if (sight.is === 'twin') return identityConflict(turn, 'R5', `the own epoch stands in ${sight.what}`);
  if (phase.role === 'active' && isAwaitedRead(tenure.access, event.startedAt)) {
    if (sight.is !== 'own') {
      return stepDown(turn, 'R7', `the read that should show the own record shows ${sight.what}`);
    }
    sawOwnership(turn);
  }
  if (sight.is === 'foreign') {
    note(turn, { event: 'overwrote', epoch: tenure.epoch, what: sight.what, foreignEpoch: sight.epoch });
  }
  const epoch = epochToWrite(turn, tenure);
  issueWrite(turn, { status: 1, node: identity.node, epoch, successor: '', pause: tenure.pause });
}

/** R5, R6: an acknowledgement renews the lease, but only one that has not ended. */
export function heartbeatWritten(turn: Turn, event: EventOf<'written'>, record: OwnershipRecord): void {
  const { phase } = turn.state;
  invariant('tenure' in phase, 'a heartbeat has an owner');
  const { cycleStartedAt, leaseEndsAt } = phase.tenure;
  if (event.at >= leaseEndsAt) return;
  holdLease(turn, { startedAt: cycleStartedAt, writtenAt: event.at });
  seePause(turn, record);
  if (phase.role !== 'active') return;
  const { access } = phase.tenure;
  if (access.state === 'raising' && record.epoch === access.to) obtain(turn);
}

/** R5: nothing is extended; a new cycle, from the read, begins with the next T. */
export function cycleFailed(turn: Turn, event: EventOf<'read-failed' | 'write-failed'>): void {
  const { phase, identity } = turn.state;
  invariant('tenure' in phase, 'a cycle has an owner');
  const { epoch } = phase.tenure;
  const { reason } = event;
  if (event.kind === 'read-failed') {
    const nextCycleAt = event.startedAt + identity.timings.intervalMs;
    changeTenure(turn, { cycleStartedAt: event.startedAt, nextCycleAt });
    return note(turn, { event: 'heartbeat-failed', epoch, phase: 'read', outcome: 'unknown', reason });
  }
  note(turn, { event: 'heartbeat-failed', epoch, phase: 'write', outcome: event.outcome, reason });
}

/** R7: once the raised epoch stands in the own slot, heartbeats carry it. */
function epochToWrite(turn: Turn, { epoch, access }: Tenure): number {
  if (access.state !== 'raising' || !access.reserved || epoch === access.to) return epoch;
  changeTenure(turn, { epoch: access.to });
  change(turn, { epochs: epochClaimed(turn.state.epochs, access.to) });
  const { to, grantedEpoch } = access;
  note(turn, { event: 'epoch-raised', from: epoch, to, grantedEpoch });
  return to;
}

/** The ownership is gone: whoever has it now may be let into the data area any moment. */
function stepDown(turn: Turn, rule: string, reason: string): void {
  const { phase } = turn.state;
  if (phase.role === 'active') {
    const order = {
      rule,
      reason,
      how: 'now',
      byAt: turn.at,
      releasing: false,
      successor: '',
      next: { do: 'observe' },
    } as const;
    return stopServing(turn, order);
  }
  forgoRelease(turn, rule, reason);
  killService(turn, reason);
}
