import { endRelease, forgoRelease, killService, stopServing } from './stop.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * R6: looked at before anything else that happens, so that a lease that has ended is not renewed by an answer that
 * was only waiting to be looked at.
 */
export function lapseIfDue(turn: Turn): void {
  const { phase } = turn.state;
  const dueAt = lapseDueAt(turn.state);
  if (dueAt === undefined || turn.at < dueAt || !('tenure' in phase)) return;
  const { epoch, leaseEndsAt } = phase.tenure;
  const lapsed = `lease of epoch ${epoch} ended`;
  if (phase.role === 'active') {
    const left = leaseEndsAt - turn.at;
    const reason = left > 0 ? `lease of epoch ${epoch} not renewed, ${Math.floor(left)} ms left` : lapsed;
    const how = left > 0 ? ('grace' as const) : ('now' as const);
    const next = { do: 'observe' } as const;
    const order = {
      rule: 'R6',
      reason,
      how,
      byAt: leaseEndsAt,
      releasing: false,
      successor: '',
      next,
    } as const;
    return stopServing(turn, order);
  }
  if (phase.role === 'stopping') {
    forgoRelease(turn, 'R6', lapsed);
    return killService(turn, lapsed);
  }
  endRelease(turn, false, lapsed);
}

/** When the lease next asks for something to be done; undefined when it does not. */
export function lapseDueAt({ phase, pending, identity }: State): number | undefined {
  switch (phase.role) {
    case 'active':
      return phase.tenure.leaseEndsAt - identity.timings.stopGraceMs;
    case 'stopping':
      return phase.releasing || phase.how === 'grace' ? phase.tenure.leaseEndsAt : undefined;
    case 'releasing':
      // A release that is being written has to be answered first: it may have been in time.
      return pending?.op === 'write' && pending.record.status === 0 ? undefined : phase.tenure.leaseEndsAt;
    default:
      return undefined;
  }
}
