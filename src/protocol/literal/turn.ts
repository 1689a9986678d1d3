import { invariant } from '../invariant.ts';
import type { Effect, OwnershipRecord, ProtocolEntry } from '../types.ts';
import type { LiteralState } from './state.ts';

/** One call of `literalStep` in the making. */
export interface LiteralTurn {
  readonly at: number;
  state: LiteralState;
  readonly effects: Effect[];
}

export function change(turn: LiteralTurn, part: Partial<LiteralState>): void {
  turn.state = { ...turn.state, ...part };
}

export function emit(turn: LiteralTurn, effect: Effect): void {
  turn.effects.push(effect);
}

export function note(turn: LiteralTurn, entry: ProtocolEntry): void {
  emit(turn, { do: 'journal', entry });
}

export function become(turn: LiteralTurn, role: LiteralState['role'], reason: string): void {
  const { role: from } = turn.state;
  if (from === role) return;
  change(turn, { role });
  note(turn, { event: 'role', from, to: role, epoch: 0, rule: 'literal', reason });
}

/** Back to reading the heartbeat value on a timer. */
export function standBy(turn: LiteralTurn, reason: string): void {
  change(turn, { seen: undefined, timerAt: turn.at + turn.state.identity.timings.intervalMs });
  become(turn, 'standby', reason);
}

export function readNow(turn: LiteralTurn): void {
  invariant(turn.state.pending === undefined, 'one read or record write at a time');
  change(turn, { pending: 'read' });
  emit(turn, { do: 'read' });
}

/** Writes the three fields; epochs, leases and unique counts are not part of the method. */
export function writeNow(
  turn: LiteralTurn,
  fields: Pick<OwnershipRecord, 'status' | 'node' | 'count'>,
): void {
  invariant(turn.state.pending === undefined, 'one read or record write at a time');
  const { incarnation } = turn.state.identity;
  const record = { ...fields, epoch: 0, incarnation, successor: '', pause: null };
  change(turn, { pending: 'write' });
  emit(turn, { do: 'write-record', record });
}
