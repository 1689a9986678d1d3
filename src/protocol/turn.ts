import { invariant } from './invariant.ts';
import { epochOf, type Phase, type State, type Tenure } from './state.ts';
import type { Effect, Event, OwnershipRecord, ProtocolEntry } from './types.ts';

/**
 * One call of `step` in the making: the state is replaced part by part and the effects collect, and neither is seen
 * outside before it is done.
 */
export interface Turn {
  readonly at: number;
  state: State;
  readonly effects: Effect[];
}

export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
/** Everything that brings the whole area: the agent's first read is like any other. */
export type AreaEvent = EventOf<'start' | 'read'>;

export function change(turn: Turn, part: Partial<State>): void {
  turn.state = { ...turn.state, ...part };
}

export function emit(turn: Turn, effect: Effect): void {
  turn.effects.push(effect);
}

export function note(turn: Turn, entry: ProtocolEntry): void {
  emit(turn, { do: 'journal', entry });
}

/** Into the next phase; a change of the role is journalled with the rule that made it. */
export function moveTo(turn: Turn, phase: Phase, rule: string, reason: string): void {
  const { phase: former } = turn.state;
  change(turn, { phase });
  if (former.role === phase.role) return;
  const epoch = epochOf(phase) || epochOf(former);
  note(turn, { event: 'role', from: former.role, to: phase.role, epoch, rule, reason });
}

/** Changes the ownership this server has; its phase stays. */
export function changeTenure(turn: Turn, part: Partial<Tenure>): void {
  const { phase } = turn.state;
  invariant('tenure' in phase, 'an owner has a tenure');
  change(turn, { phase: { ...phase, tenure: { ...phase.tenure, ...part } } });
}

export function issueRead(turn: Turn): void {
  invariant(turn.state.pending === undefined, 'one read or record write at a time');
  change(turn, { pending: { op: 'read' } });
  emit(turn, { do: 'read' });
}

/** Issues one record write with the next count: no two writes ever carry the same bytes. */
export function issueWrite(
  turn: Turn,
  record: Omit<OwnershipRecord, 'incarnation' | 'count'>,
): OwnershipRecord {
  invariant(turn.state.pending === undefined, 'one read or record write at a time');
  const count = turn.state.count + 1;
  const whole = { ...record, incarnation: turn.state.identity.incarnation, count };
  change(turn, { count, pending: { op: 'write', record: whole } });
  emit(turn, { do: 'write-record', record: whole });
  return whole;
}
