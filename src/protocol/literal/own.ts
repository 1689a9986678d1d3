import { accessRetryMs } from '../timing.ts';
import type { EventOf } from '../turn.ts';
import { become, change, emit, type LiteralTurn, note, standBy, writeNow } from './turn.ts';

/** Claim 2, last words: the area is won. The data area is asked for, with nobody there to refuse it. */
export function beginServing(turn: LiteralTurn): void {
  become(turn, 'active', 'count equals what was written');
  change(turn, { timerAt: turn.at + turn.state.identity.timings.intervalMs });
  obtain(turn);
}

/** Claim 3: a new value on a timer, whatever the record shows and whatever became of the last one. */
export function beat(turn: LiteralTurn): void {
  const { identity, count } = turn.state;
  change(turn, { count: count + 1, timerAt: turn.at + identity.timings.intervalMs });
  writeNow(turn, { status: 1, node: identity.node, count: count + 1 });
}

export function beatFailed(turn: LiteralTurn, { outcome, reason }: EventOf<'write-failed'>): void {
  note(turn, { event: 'heartbeat-failed', epoch: 0, phase: 'write', outcome, reason });
}

export function obtain(turn: LiteralTurn): void {
  change(turn, { retryAt: undefined });
  note(turn, { event: 'access', epoch: 0, outcome: 'obtaining' });
  emit(turn, { do: 'obtain', epoch: 0 });
}

export function granted(turn: LiteralTurn): void {
  note(turn, { event: 'access', epoch: 0, outcome: 'granted' });
  if (turn.state.service !== 'none') return;
  change(turn, { service: 'starting' });
  note(turn, { event: 'service', phase: 'starting', epoch: 0, reason: 'granted' });
  emit(turn, { do: 'start-service', epoch: 0 });
}

export function notGranted(
  turn: LiteralTurn,
  event: EventOf<'access-refused' | 'access-failed' | 'access-lost'>,
): void {
  const outcome = (
    { 'access-refused': 'refused', 'access-failed': 'failed', 'access-lost': 'lost' } as const
  )[event.kind];
  note(turn, { event: 'access', epoch: 0, outcome, reason: event.reason });
  change(turn, { retryAt: turn.at + accessRetryMs(turn.state.identity.timings) });
}

export function serviceStarted(turn: LiteralTurn, { pid }: EventOf<'service-started'>): void {
  if (turn.state.service !== 'starting') return;
  change(turn, { service: 'running' });
  note(turn, { event: 'service', phase: 'started', epoch: 0, reason: 'granted', pid });
}

/** The service ends, by itself or because it was told to; the area is left with status 0. */
export function serviceOver(
  turn: LiteralTurn,
  { kind, reason }: EventOf<'service-failed' | 'service-ended'>,
): void {
  const { role, service } = turn.state;
  if (service === 'none' || (role === 'stopping' && kind === 'service-failed')) return;
  const phase = kind === 'service-failed' ? 'failed' : 'ended';
  note(turn, { event: 'service', phase, epoch: 0, reason });
  change(turn, { service: 'none' });
  if (role === 'active') become(turn, 'stopping', `the service ${phase}: ${reason}`);
  leave(turn);
}

export function release(turn: LiteralTurn, event: EventOf<'release'>): void {
  const { role, service, identity } = turn.state;
  const reason = 'a clean stop was asked for';
  if (event.then === 'exit') change(turn, { exits: true });
  if (role === 'stopping' || role === 'releasing') return;
  if (role !== 'active') return event.then === 'exit' ? end(turn, reason) : standBy(turn, reason);
  become(turn, 'stopping', reason);
  if (service === 'none') return leave(turn);
  note(turn, { event: 'service', phase: 'stopping', epoch: 0, reason });
  emit(turn, { do: 'stop-service', how: 'grace', byAt: turn.at + identity.timings.stopGraceMs });
}

/** Writes the release once nothing else is under way. */
export function writeRelease(turn: LiteralTurn): void {
  const { count } = turn.state;
  change(turn, { count: count + 1, timerAt: Infinity });
  writeNow(turn, { status: 0, node: '', count: count + 1 });
}

export function releaseOver(turn: LiteralTurn, written: boolean, reason: string): void {
  note(turn, { event: 'released', epoch: 0, written, successor: '', reason });
  if (turn.state.exits) end(turn, reason);
  else standBy(turn, reason);
}

function leave(turn: LiteralTurn): void {
  emit(turn, { do: 'give-up-access' });
  change(turn, { timerAt: turn.at, retryAt: undefined });
  become(turn, 'releasing', 'the service is gone');
}

function end(turn: LiteralTurn, reason: string): void {
  become(turn, 'ended', reason);
  note(turn, { event: 'ended', exitCode: 0, reason });
  emit(turn, { do: 'end', exitCode: 0, reason });
}
