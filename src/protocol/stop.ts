import { invariant } from './invariant.ts';
import type { Stopping, Next, Tenure } from './state.ts';
import { change, changeTenure, emit, moveTo, note, type Turn } from './turn.ts';

/** How and why a server stops being active (R5, R6, R7, R8). */
export interface StopOrder {
  rule: string;
  reason: string;
  how: Stopping['how'];
  /** `grace`: the instant by which the service is killed. */
  byAt: number;
  /** R8: keep the lease while the service ends, then release the area. */
  releasing: boolean;
  /** R8: the server that is to follow; '' for none. */
  successor: string;
  next: Next;
}

/** Stops being active. The service is ended first, then the data area is given up, then `next` follows. */
export function stopServing(turn: Turn, order: StopOrder): void {
  const { phase } = turn.state;
  invariant(phase.role === 'active', 'only an active server stops being active');
  const { byAt, ...what } = order;
  const { rule, releasing, how, reason } = order;
  moveTo(turn, { role: 'stopping', tenure: phase.tenure, ...what }, rule, reason);
  if (!releasing) beginObserving(turn);
  if (turn.state.service === 'none') serviceGone(turn);
  else stopService(turn, how, byAt, reason);
}

/** R8: a clean stop, with the lease kept until the area is released, for `successor` where there is one. */
export function releaseBecause(turn: Turn, reason: string, next: Next, successor = ''): void {
  // Never beyond the lease: an active server has more than stopGrace of it left (R6).
  const byAt = turn.at + turn.state.identity.timings.stopGraceMs;
  stopServing(turn, { rule: 'R8', reason, how: 'grace', byAt, releasing: true, successor, next });
}

export function stopService(turn: Turn, how: Stopping['how'], byAt: number, reason: string): void {
  const { phase } = turn.state;
  invariant('tenure' in phase, 'an owner has a tenure');
  change(turn, { service: 'stopping' });
  note(turn, { event: 'service', phase: 'stopping', epoch: phase.tenure.epoch, reason });
  emit(turn, { do: 'stop-service', how, byAt });
}

/** Every process of the service is gone: from here on nothing of this server writes to the data area. */
export function serviceGone(turn: Turn): void {
  const { phase, unsettled } = turn.state;
  invariant(phase.role === 'stopping', 'the service was told to stop');
  change(turn, { service: 'none' });
  emit(turn, { do: 'give-up-access' });
  if (!phase.releasing) return finish(turn, phase.next, phase.rule, phase.reason);
  const { tenure, successor, next, reason } = phase;
  moveTo(turn, { role: 'releasing', tenure, successor, next, reason }, 'R8', reason);
  if (unsettled > 0) {
    const writes = unsettled === 1 ? 'an earlier write' : `${unsettled} earlier writes`;
    return endRelease(turn, false, `${writes} of this incarnation may still land`);
  }
  changeTenure(turn, { hurry: true });
}

/** R8: the area was released, or could not be; either way this server is done with it. */
export function endRelease(turn: Turn, written: boolean, reason: string): void {
  const { phase } = turn.state;
  invariant(phase.role === 'releasing', 'a release ends once');
  noteReleased(turn, phase, written, reason);
  if (written && phase.tenure.pause !== null && phase.successor === '')
    note(turn, { event: 'warning', text: 'released while paused: nobody takes over until somebody resumes' });
  beginObserving(turn);
  finish(turn, phase.next, 'R8', reason);
}

/** The lease is lost while the service ends: no more heartbeats, and nothing is released. */
export function forgoRelease(turn: Turn, rule: string, reason: string): void {
  const { phase } = turn.state;
  invariant(phase.role === 'stopping', 'the service is still ending');
  if (!phase.releasing) return;
  noteReleased(turn, phase, false, reason);
  change(turn, { phase: { ...phase, releasing: false, rule, reason } });
  beginObserving(turn);
}

/** No time is left for a grace. */
export function killService(turn: Turn, reason: string): void {
  const { phase } = turn.state;
  invariant(phase.role === 'stopping', 'the service is still ending');
  if (phase.how === 'now') return;
  change(turn, { phase: { ...phase, how: 'now' } });
  stopService(turn, 'now', turn.at, reason);
}

/** What this server may not survive: a changed header, an identity it shares. Whatever runs is ended first. */
export function stopForGood(turn: Turn, rule: string, reason: string): void {
  const { phase } = turn.state;
  const next: Next = { do: 'end', exitCode: 3, reason };
  switch (phase.role) {
    case 'active':
      return stopServing(turn, {
        rule,
        reason,
        how: 'now',
        byAt: turn.at,
        releasing: false,
        successor: '',
        next,
      });
    case 'stopping':
      forgoRelease(turn, rule, reason);
      killService(turn, reason);
      return change(turn, { phase: { ...(turn.state.phase as Stopping), next, rule, reason } });
    case 'releasing':
      noteReleased(turn, phase, false, reason);
      return end(turn, rule, 3, reason);
    case 'starting':
    case 'standby':
    case 'claiming':
    case 'settling':
    case 'ended':
      return end(turn, rule, 3, reason);
  }
}

export function end(turn: Turn, rule: string, exitCode: number, reason: string): void {
  moveTo(turn, { role: 'ended' }, rule, reason);
  note(turn, { event: 'ended', exitCode, reason });
  emit(turn, { do: 'end', exitCode, reason });
}

/** R1 from the beginning: whatever was seen before does not count. */
function beginObserving(turn: Turn): void {
  change(turn, { observation: undefined, observeAt: turn.at });
}

/** R3, R4: whatever became of the claim is observed like anybody's (R1), and the next one has a new epoch. */
export function abandon(turn: Turn, rule: string, reason: string): void {
  const { phase } = turn.state;
  invariant('claim' in phase, 'only a claimant has a claim to abandon');
  note(turn, { event: 'claim-abandoned', rule, epoch: phase.claim.epoch, reason });
  beginObserving(turn);
  moveTo(turn, { role: 'standby', waiting: false }, rule, reason);
}

function noteReleased(
  turn: Turn,
  { tenure, successor }: { tenure: Tenure; successor: string },
  written: boolean,
  reason: string,
): void {
  note(turn, { event: 'released', epoch: tenure.epoch, written, successor, reason });
}

function finish(turn: Turn, next: Next, rule: string, reason: string): void {
  if (next.do === 'end') end(turn, rule, next.exitCode, next.reason);
  else moveTo(turn, { role: 'standby', waiting: false }, rule, reason);
}
