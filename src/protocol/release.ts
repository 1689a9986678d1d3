import { look } from './renew.ts';
import { invariant } from './invariant.ts';
import type { Next } from './state.ts';
import { abandon, end, endRelease, releaseBecause } from './stop.ts';
import { change, changeTenure, type EventOf, issueWrite, type Turn } from './turn.ts';

/** R8: a clean stop was asked for. */
export function release(turn: Turn, event: EventOf<'release'>): void {
  const { phase } = turn.state;
  const reason = 'a clean stop was asked for';
  const next: Next = event.then === 'exit' ? { do: 'end', exitCode: 0, reason } : { do: 'observe' };
  switch (phase.role) {
    case 'active':
      return releaseBecause(turn, reason, next);
    case 'stopping':
    case 'releasing':
      // It ends already; what it is stopped for by an error stays an error.
      if (next.do === 'end' && phase.next.do === 'observe') change(turn, { phase: { ...phase, next } });
      return;
    case 'claiming':
    case 'settling':
      abandon(turn, 'R8', reason);
      if (next.do === 'end') end(turn, 'R8', 0, reason);
      return;
    case 'starting':
    case 'standby':
      if (next.do === 'end') end(turn, 'R8', 0, reason);
      return;
    case 'ended':
      return;
  }
}

/** The last look: a record that somebody else took over is not released. */
export function releaseRead(turn: Turn, event: EventOf<'read'>): void {
  const { identity, phase } = turn.state;
  invariant(phase.role === 'releasing', 'a release is under way');
  const { epoch, pause } = phase.tenure;
  changeTenure(turn, { nextCycleAt: event.startedAt + identity.timings.intervalMs });
  const sight = look(event.area.record, identity, epoch);
  if (sight.is === 'higher' || sight.is === 'twin')
    return endRelease(turn, false, `the record shows ${sight.what}`);
  issueWrite(turn, { status: 0, node: '', epoch, successor: phase.successor, pause });
}

/**
 * Failed: it never lands, and is tried again with the next T. Unknown: nothing may follow it, a second release least of
 * all: whoever took over on the first one would be written over.
 */
export function releaseWriteFailed(turn: Turn, event: EventOf<'write-failed'>): void {
  if (event.outcome === 'unknown')
    endRelease(turn, false, `it may have landed, or may still: ${event.reason}`);
}
