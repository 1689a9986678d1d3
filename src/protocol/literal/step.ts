import { invariant } from '../invariant.ts';
import type { EventOf } from '../turn.ts';
import type { Effect, Event } from '../types.ts';
import { contenderRead, contenderWritten, lose, standbyRead } from './contend.ts';
import * as own from './own.ts';
import type { LiteralState } from './state.ts';
import { change, emit, type LiteralTurn, note, readNow } from './turn.ts';

/**
 * The method as published (PROTOCOL.md part 1), to the letter, with the contract of `step`. It exists to be compared
 * with and to show its failures: no lease, no epoch, no waiting before a claim is read back, and an owner never looks
 * at the record again.
 */
export function literalStep(
  state: LiteralState,
  event: Event,
): { state: LiteralState; effects: readonly Effect[] } {
  if (state.role === 'ended') return { state, effects: [] };
  const turn: LiteralTurn = { at: event.at, state, effects: [] };
  const releasing = takeOutcome(turn, event);
  dispatch(turn, event, releasing);
  if (turn.state.role !== 'ended') drive(turn, event.kind === 'tick');
  return { state: turn.state, effects: turn.effects };
}

/** Whatever was under way is over. True when it was the release. */
function takeOutcome(turn: LiteralTurn, { kind }: Event): boolean {
  const { pending, role, timerAt } = turn.state;
  const reads = kind === 'start' || kind === 'read' || kind === 'read-failed';
  if (!reads && kind !== 'written' && kind !== 'write-failed') return false;
  invariant(pending === (reads ? 'read' : 'write'), `${kind} answers a request`);
  change(turn, { pending: undefined });
  return role === 'releasing' && timerAt === Infinity;
}

function dispatch(turn: LiteralTurn, event: Event, releasing: boolean): void {
  const { role } = turn.state;
  switch (event.kind) {
    case 'start':
    case 'read':
      return read(turn, event);
    case 'read-failed':
      return readFailed(turn, event);
    case 'written':
      if (releasing) return own.releaseOver(turn, true, 'the area is free');
      if (role === 'claiming' || role === 'settling') contenderWritten(turn);
      return;
    case 'write-failed':
      if (releasing) return own.releaseOver(turn, false, event.reason);
      if (role === 'claiming' || role === 'settling') return lose(turn, `a write failed: ${event.reason}`);
      return own.beatFailed(turn, event);
    case 'access-granted':
      if (role === 'active') own.granted(turn);
      return;
    case 'access-refused':
    case 'access-failed':
    case 'access-lost':
      if (role === 'active') own.notGranted(turn, event);
      return;
    case 'service-started':
      return own.serviceStarted(turn, event);
    case 'service-failed':
    case 'service-ended':
      return own.serviceOver(turn, event);
    case 'release':
      return own.release(turn, event);
    case 'hand-over':
    case 'pause':
    case 'resume':
      return note(turn, {
        event: 'order',
        order: event.kind,
        outcome: 'refused',
        reason: `${event.kind} is not part of the method as published`,
      });
    case 'tick':
    case 'slot-written':
    case 'slot-write-failed':
      return;
  }
}

function read(turn: LiteralTurn, event: EventOf<'start' | 'read'>): void {
  const { failures, role } = turn.state;
  if (failures > 0) {
    note(turn, { event: 'blind', healed: true, reason: 'reads of the quorum area succeed again', failures });
  }
  change(turn, { failures: 0, record: event.area.record });
  if (role === 'standby') standbyRead(turn, event);
  else if (event.kind === 'read' && (role === 'claiming' || role === 'settling')) contenderRead(turn, event);
}

function readFailed(turn: LiteralTurn, { reason, startedAt }: EventOf<'read-failed'>): void {
  const { failures, role, identity } = turn.state;
  change(turn, { failures: failures + 1, timerAt: startedAt + identity.timings.intervalMs });
  if (failures === 0) note(turn, { event: 'blind', healed: false, reason, failures: 1 });
  if (role === 'claiming' || role === 'settling') lose(turn, `a read failed: ${reason}`);
}

function drive(turn: LiteralTurn, woken: boolean): void {
  const { retryAt } = turn.state;
  if (retryAt !== undefined && turn.at >= retryAt) own.obtain(turn);
  const timerAt = timerDueAt(turn.state);
  if (timerAt !== undefined && turn.at >= timerAt) act(turn);
  const instants = [timerDueAt(turn.state), turn.state.retryAt].filter((at) => at !== undefined);
  const wakeAt = instants.length === 0 ? undefined : Math.min(...instants);
  if (wakeAt !== undefined && (woken || wakeAt !== turn.state.wakeAt)) emit(turn, { do: 'wake', at: wakeAt });
  change(turn, { wakeAt });
}

function timerDueAt({ role, pending, timerAt }: LiteralState): number | undefined {
  const runs = role === 'standby' || role === 'active' || role === 'releasing';
  return runs && pending === undefined && timerAt !== Infinity ? timerAt : undefined;
}

function act(turn: LiteralTurn): void {
  const { role } = turn.state;
  if (role === 'standby') readNow(turn);
  else if (role === 'active') own.beat(turn);
  else own.writeRelease(turn);
}
