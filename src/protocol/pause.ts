import type { Decision } from './decide.ts';
import { invariant } from './invariant.ts';
import type { PauseSight, State } from './state.ts';
import { change, note, type Turn } from './turn.ts';
import type { OwnershipRecord, Pause } from './types.ts';

/**
 * R10. The pause stands in the record itself, put there and taken out by the owner with its heartbeats and kept by
 * whoever claims from a paused record. While the newest record carries one, nobody claims by itself. It adds a reason
 * not to claim and takes none away, so promises (a) and (b) hold as they do without it: every run with a pause is also
 * a run without one in which some servers happened to look later.
 */

/** The pause by which this server decides: that of the newest record, unless it was lifted here. */
export function pauseInForce({ pauses: { pause, epoch, liftedEpoch } }: State): Pause | null {
  return epoch > liftedEpoch ? pause : null;
}

/** A record was read, or its write acknowledged. A late write of former days says nothing about a pause. */
export function seePause(turn: Turn, record: OwnershipRecord): void {
  const { pauses } = turn.state;
  const { epoch, count, pause } = record;
  if (!isNewest(record, pauses)) return;
  const before = pauseInForce(turn.state);
  change(turn, { pauses: { ...pauses, pause, epoch, count } });
  const now = pauseInForce(turn.state);
  if (isSamePause(before, now)) return;
  if (now !== null) note(turn, { event: 'paused', epoch, ...now });
  else noteResumed(turn, before, 'the record carries no pause any more');
}

/** R10: lifts the pause for what this server decides. Its claim then carries none, which ends it for everybody. */
export function liftPause(turn: Turn, reason: string): void {
  const { pauses } = turn.state;
  const before = pauseInForce(turn.state);
  change(turn, { pauses: { ...pauses, liftedEpoch: pauses.epoch } });
  noteResumed(turn, before, reason);
}

/** R10: this server would claim. Said once for each death, and shown for as long as it lasts. */
export function holdBack(turn: Turn, { rule, why }: Decision): void {
  const { pauses } = turn.state;
  change(turn, { pauses: { ...pauses, holds: true }, phase: { role: 'standby', waiting: false } });
  if (pauses.holds) return;
  const pause = pauseInForce(turn.state);
  invariant(pause !== null, 'only a pause holds a takeover back');
  note(turn, { event: 'takeover-held', rule, epoch: pauses.epoch, ...pause, reason: why });
}

export function isSamePause(a: Pause | null, b: Pause | null): boolean {
  return a?.by === b?.by && a?.sinceWallMs === b?.sinceWallMs;
}

function isNewest({ epoch, count }: OwnershipRecord, seen: PauseSight): boolean {
  return epoch > seen.epoch || (epoch === seen.epoch && count >= seen.count);
}

function noteResumed(turn: Turn, before: Pause | null, reason: string): void {
  invariant(before !== null, 'only what was paused is resumed');
  note(turn, { event: 'resumed', epoch: turn.state.pauses.epoch, ...before, reason });
}
