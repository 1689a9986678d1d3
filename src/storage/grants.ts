import type { Grant } from '../ports/audit.ts';

/**
 * Who may use the data area, as a pure state machine (PROTOCOL, "The data area at the storage node"):
 *
 *   record seen  ->  made durable  ->  older connections ended, their writes awaited  ->  admitted
 *   closed/open      storing           draining                                          open
 *
 * One grant is on its way at a time. A higher one that shows up meanwhile overtakes it at the next step, so the
 * overtaken one is never admitted; and nothing ever leads back to a lower or equal epoch.
 */
export interface GrantState {
  /**
   * closed: started, the record not read yet. open: `granted`, if any, is admitted. storing: `next` is being made
   * durable. draining: `granted` is durable, writes of older owners may still be under way.
   */
  readonly phase: 'closed' | 'open' | 'storing' | 'draining';
  /** The last durable grant. */
  readonly granted: Grant | null;
  /** While there is none: no epoch up to this one is granted, for the last grant was lost. */
  readonly floor: number;
  /** storing: what is being made durable. draining: a higher one, seen since. */
  readonly next: Grant | null;
  /** storing: a higher one than `next`, seen since. */
  readonly overtaking: Grant | null;
}

export type GrantEvent =
  /** The record was read: `owned` is its owner when it is valid and has status 1. */
  | { event: 'record'; owned: Grant | null }
  | { event: 'stored' }
  /** It could not be made durable; `granted` is still the last one that is. */
  | { event: 'store-failed' }
  | { event: 'drained' };

export type GrantAction =
  | { do: 'store'; grant: Grant }
  /** End every data connection and await its writes; answered by `drained`. */
  | { do: 'fence'; grant: Grant; previousEpoch: number }
  | { do: 'open'; grant: Grant };

/** `granted` and `floor` are what the store remembers; nobody is admitted before the first `record`. */
export function initialGrants({ granted, floor }: Pick<GrantState, 'granted' | 'floor'>): GrantState {
  return { phase: 'closed', granted, floor, next: null, overtaking: null };
}

/** The epoch that refusals name: whoever wants to be let in needs a higher one. 0 before the first grant. */
export function lastEpoch({ granted, floor }: GrantState): number {
  return granted?.epoch ?? floor;
}

/** One event in, the next state and what to do about it out. At most one action, and none while one is under way. */
export function stepGrants(
  state: GrantState,
  event: GrantEvent,
): { state: GrantState; action: GrantAction | null } {
  switch (event.event) {
    case 'record':
      return recordSeen(state, event.owned);
    case 'stored':
      return stored(state);
    case 'store-failed':
      // The next heartbeat shows the record again, and with it comes the next attempt.
      return still({ ...state, phase: 'open', next: null, overtaking: null });
    case 'drained':
      break;
  }
  if (state.next !== null) return store(state, state.next);
  return { state: { ...state, phase: 'open' }, action: { do: 'open', grant: state.granted! } };
}

function recordSeen(state: GrantState, owned: Grant | null): ReturnType<typeof stepGrants> {
  const seen = owned !== null && owned.epoch > highestKnown(state) ? owned : null;
  if (state.phase === 'closed' || state.phase === 'open') {
    return seen === null ? still({ ...state, phase: 'open' }) : store(state, seen);
  }
  if (seen === null) return still(state);
  return still(state.phase === 'storing' ? { ...state, overtaking: seen } : { ...state, next: seen });
}

function stored(state: GrantState): ReturnType<typeof stepGrants> {
  const grant = state.next!;
  const next = state.overtaking;
  return {
    state: { phase: 'draining', granted: grant, floor: state.floor, next, overtaking: null },
    action: { do: 'fence', grant, previousEpoch: lastEpoch(state) },
  };
}

function store(state: GrantState, grant: Grant): ReturnType<typeof stepGrants> {
  return {
    state: { ...state, phase: 'storing', next: grant, overtaking: null },
    action: { do: 'store', grant },
  };
}

function still(state: GrantState): ReturnType<typeof stepGrants> {
  return { state, action: null };
}

function highestKnown(state: GrantState): number {
  return Math.max(lastEpoch(state), state.next?.epoch ?? 0, state.overtaking?.epoch ?? 0);
}

export type Judgement = { answer: 'admit' } | { answer: 'wait' } | { answer: 'refuse'; why: string };

/** Whether a client that asks for the data area as `wanted` is let in now, must wait for a decision, or never will be. */
export function judge(state: GrantState, wanted: Grant): Judgement {
  if (state.phase === 'closed') return { answer: 'wait' };
  const { granted, next, overtaking } = state;
  // Whoever may turn out to be the owner, or to be one no longer, is told when it is decided, with the right epoch.
  if ([granted, next, overtaking].some((grant) => grant !== null && same(grant, wanted))) {
    return { answer: state.phase === 'open' ? 'admit' : 'wait' };
  }
  return { answer: 'refuse', why: whyRefused(state, wanted) };
}

function whyRefused({ granted, floor }: GrantState, wanted: Grant): string {
  if (granted === null && floor === 0) return 'nobody has been granted the data area yet';
  if (granted === null) return `the last grant was lost, and an epoch up to ${floor} may be over`;
  if (wanted.epoch < granted.epoch) return `epoch ${wanted.epoch} is over`;
  if (wanted.epoch > granted.epoch)
    return `the quorum record does not show an owner of epoch ${wanted.epoch}`;
  if (wanted.node !== granted.node) return `epoch ${granted.epoch} is granted to ${granted.node}`;
  return `epoch ${granted.epoch} is granted to another incarnation of ${granted.node}`;
}

function same(a: Grant, b: Grant): boolean {
  return a.epoch === b.epoch && a.node === b.node && a.incarnation === b.incarnation;
}
