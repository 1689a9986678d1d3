import { obtain } from './fence.ts';
import { lapseDueAt, lapseIfDue } from './lapse.ts';
import { slotDueAt, writeSlot } from './slot.ts';
import type { State } from './state.ts';
import { change, changeTenure, emit, issueRead, type Turn } from './turn.ts';

/** Does whatever is due by now, and asks to be woken for what comes next. */
export function drive(turn: Turn, woken: boolean): void {
  lapseIfDue(turn);
  if (isDue(retryDueAt(turn.state), turn.at)) obtain(turn);
  if (isDue(readDueAt(turn.state), turn.at)) beginRead(turn);
  if (isDue(slotDueAt(turn.state), turn.at)) writeSlot(turn);
  const wakeAt = nextInstant(turn.state);
  if (wakeAt !== undefined && (woken || wakeAt !== turn.state.wakeAt)) emit(turn, { do: 'wake', at: wakeAt });
  change(turn, { wakeAt });
}

/** When the area is to be read next; undefined while something is under way or nothing is to be read. */
function readDueAt({ phase, pending, observeAt }: State): number | undefined {
  if (pending !== undefined) return undefined;
  switch (phase.role) {
    case 'starting':
    case 'standby':
      return observeAt;
    case 'settling':
      return phase.step === 'waiting' ? phase.settleAt : undefined;
    case 'stopping':
      return phase.releasing ? phase.tenure.nextCycleAt : observeAt;
    case 'active':
    case 'releasing':
      return phase.tenure.hurry ? -Infinity : phase.tenure.nextCycleAt;
    default:
      return undefined;
  }
}

function beginRead(turn: Turn): void {
  const { phase, identity } = turn.state;
  if (phase.role === 'settling') change(turn, { phase: { ...phase, step: 'reading' } });
  if ('tenure' in phase) {
    const nextCycleAt = turn.at + identity.timings.intervalMs;
    changeTenure(turn, { cycleStartedAt: turn.at, nextCycleAt, hurry: false });
  }
  issueRead(turn);
}

function retryDueAt({ phase }: State): number | undefined {
  if (phase.role !== 'active' || phase.tenure.access.state !== 'retry') return undefined;
  return phase.tenure.access.retryAt;
}

function nextInstant(state: State): number | undefined {
  const instants = [readDueAt(state), slotDueAt(state), lapseDueAt(state), retryDueAt(state)];
  const known = instants.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function isDue(dueAt: number | undefined, at: number): boolean {
  return dueAt !== undefined && at >= dueAt;
}
