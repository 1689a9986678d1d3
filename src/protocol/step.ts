import { claimWritten, observeAndDecide } from './claim.ts';
import { drive } from './drive.ts';
import * as fence from './fence.ts';
import { invariant } from './invariant.ts';
import { lapseIfDue } from './lapse.ts';
import { observe, observedNothing } from './observe.ts';
import { handOver, pause, resume } from './orders.ts';
import { cycleFailed, cycleRead, heartbeatWritten } from './renew.ts';
import { release, releaseRead, releaseWriteFailed } from './release.ts';
import { established, settlingRead } from './settle.ts';
import { slotWriteFailed, slotWritten } from './slot.ts';
import { endWatch, start } from './start.ts';
import type { State } from './state.ts';
import { abandon, endRelease, serviceGone } from './stop.ts';
import { change, type EventOf, note, type Turn } from './turn.ts';
import type { Effect, Event, OwnershipRecord } from './types.ts';
import { goBlind, watchArea } from './watch.ts';

/**
 * One event in, the next state and what to do about it out (`protocol: safe`, R0 to R9 with plain reads and writes).
 * Same state and event, same answer: no clock, disk or log. Effects are carried out in the order given; `at` of one
 * event is never before that of the one before. Throws only for a caller that breaks the contract in types.ts.
 */
export function step(state: State, event: Event): { state: State; effects: readonly Effect[] } {
  if (state.phase.role === 'ended') return { state, effects: [] };
  const turn: Turn = { at: event.at, state, effects: [] };
  const record = takeOutcome(turn, event);
  // R8: what became of a release is told first, even when the lease has ended meanwhile.
  if (record?.status !== 0) lapseIfDue(turn);
  dispatch(turn, event, record);
  if (turn.state.phase.role !== 'ended') drive(turn, event.kind === 'tick');
  return { state: turn.state, effects: turn.effects };
}

/** Whatever was under way is over. The record when it was a write of one. */
function takeOutcome(turn: Turn, event: Event): OwnershipRecord | undefined {
  const { pending, unsettled } = turn.state;
  switch (event.kind) {
    case 'start':
    case 'read':
    case 'read-failed':
      invariant(pending?.op === 'read', `${event.kind} answers a read`);
      change(turn, { pending: undefined });
      return undefined;
    case 'written':
    case 'write-failed': {
      invariant(pending?.op === 'write', `${event.kind} answers a record write`);
      const mayLand = event.kind === 'write-failed' && event.outcome === 'unknown';
      change(turn, { pending: undefined, unsettled: unsettled + (mayLand ? 1 : 0) });
      return pending.record;
    }
    default:
      return undefined;
  }
}

function dispatch(turn: Turn, event: Event, record: OwnershipRecord | undefined): void {
  switch (event.kind) {
    case 'start':
      if (start(turn, event)) observe(turn, event);
      return;
    case 'tick':
      return;
    case 'read':
      if (watchArea(turn, event)) read(turn, event);
      return;
    case 'read-failed':
      goBlind(turn, event);
      return readFailed(turn, event);
    case 'written':
      return written(turn, event, record!);
    case 'write-failed':
      return writeFailed(turn, event);
    case 'slot-written':
      return slotWritten(turn, event);
    case 'slot-write-failed':
      return slotWriteFailed(turn);
    case 'access-granted':
      return fence.accessGranted(turn, event);
    case 'access-refused':
      return fence.accessRefused(turn, event);
    case 'access-failed':
      return fence.accessFailed(turn, event);
    case 'access-lost':
      return fence.accessLost(turn, event);
    case 'service-started':
      return fence.serviceStarted(turn, event);
    case 'service-failed':
      return fence.serviceFailed(turn, event);
    case 'service-ended':
      return serviceEnded(turn, event);
    case 'release':
      return release(turn, event);
    case 'hand-over':
      return handOver(turn, event);
    case 'pause':
      return pause(turn, event);
    case 'resume':
      return resume(turn, event);
  }
}

function read(turn: Turn, event: EventOf<'read'>): void {
  const { phase } = turn.state;
  switch (phase.role) {
    case 'starting':
      endWatch(turn, event);
      return observeAndDecide(turn, event);
    case 'standby':
      return observeAndDecide(turn, event);
    case 'settling':
      return settlingRead(turn, event);
    case 'active':
      return cycleRead(turn, event);
    case 'stopping':
      return phase.releasing ? cycleRead(turn, event) : observeAndDecide(turn, event);
    case 'releasing':
      return releaseRead(turn, event);
    case 'claiming':
    case 'ended':
      return invariant(false, `no read is under way in role ${phase.role}`);
  }
}

function readFailed(turn: Turn, event: EventOf<'read-failed'>): void {
  const { phase } = turn.state;
  switch (phase.role) {
    case 'starting':
    case 'standby':
      return observedNothing(turn, event);
    case 'settling':
      return abandon(turn, 'R4', `a read failed: ${event.reason}`);
    case 'stopping':
      return phase.releasing ? cycleFailed(turn, event) : observedNothing(turn, event);
    case 'active':
    case 'releasing':
      return cycleFailed(turn, event);
    case 'claiming':
    case 'ended':
      return invariant(false, `no read is under way in role ${phase.role}`);
  }
}

function written(turn: Turn, event: EventOf<'written'>, record: OwnershipRecord): void {
  const { phase } = turn.state;
  if (phase.role === 'claiming') return claimWritten(turn, event);
  if (phase.role === 'settling') return established(turn, event);
  if (phase.role === 'releasing' && record.status === 0) return endRelease(turn, true, 'the area is free');
  if ('tenure' in phase) heartbeatWritten(turn, event, record);
}

function writeFailed(turn: Turn, event: EventOf<'write-failed'>): void {
  const { phase } = turn.state;
  if (phase.role === 'claiming') return abandon(turn, 'R3', `its write failed: ${event.reason}`);
  if (phase.role === 'settling') return abandon(turn, 'R4', `a write failed: ${event.reason}`);
  if ('tenure' in phase) cycleFailed(turn, event);
  if (phase.role === 'releasing') releaseWriteFailed(turn, event);
}

function serviceEnded(turn: Turn, event: EventOf<'service-ended'>): void {
  const { phase, service } = turn.state;
  if (phase.role !== 'stopping') return fence.serviceFailed(turn, event);
  invariant(service !== 'none', 'the end of a service is waited for');
  note(turn, { event: 'service', phase: 'ended', epoch: phase.tenure.epoch, reason: event.reason });
  serviceGone(turn);
}
