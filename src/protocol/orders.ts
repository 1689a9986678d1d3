import { decide, isReleased } from './decide.ts';
import { liftPause, pauseInForce } from './pause.ts';
import { silenceMs } from './peers.ts';
import { releaseBecause } from './stop.ts';
import type { State } from './state.ts';
import { ownerIn } from './summary.ts';
import { change, changeTenure, type EventOf, note, type Turn } from './turn.ts';
import type { ProtocolEntry } from './types.ts';

type Order = Extract<ProtocolEntry, { event: 'order' }>;
/** What becomes of an order. */
type Answer = Pick<Order, 'outcome' | 'reason'>;

const UNSETTLED = 'an earlier write of this server may still land, so nothing can be released';
const NOT_PAUSED: Answer = { outcome: 'taken', reason: 'there was no pause' };

/** R8: a clean stop for the good of one server; this one goes on as a standby. */
export function handOver(turn: Turn, { to, force }: EventOf<'hand-over'>): void {
  const objection = objectionTo(turn, to, force);
  if (objection !== undefined) return answer(turn, 'hand-over', objection);
  answer(turn, 'hand-over', { outcome: 'taken', reason: `to ${to}` });
  releaseBecause(turn, `a hand-over to ${to} was asked for`, { do: 'observe' }, to);
}

/** R10: the next heartbeat carries the pause, at once; it is in force when that was acknowledged. */
export function pause(turn: Turn, { wallMs }: EventOf<'pause'>): void {
  const { phase, identity } = turn.state;
  if (phase.role !== 'active') return refuse(turn, 'pause', notActive(turn.state));
  const { pause: former } = phase.tenure;
  if (former !== null)
    return answer(turn, 'pause', { outcome: 'taken', reason: `paused already, by ${former.by}` });
  changeTenure(turn, { pause: { by: identity.node, sinceWallMs: wallMs }, hurry: true });
  answer(turn, 'pause', { outcome: 'taken', reason: 'the next heartbeat carries it' });
}

/**
 * R10: at the owner, the next heartbeat carries no pause. At a standby only when nobody can be alive who would put it
 * back: the owner is dead by R1, or let go.
 */
export function resume(turn: Turn, { at }: EventOf<'resume'>): void {
  const { phase } = turn.state;
  if (phase.role === 'active') {
    if (phase.tenure.pause === null) return answer(turn, 'resume', NOT_PAUSED);
    changeTenure(turn, { pause: null, hurry: true });
    return answer(turn, 'resume', { outcome: 'taken', reason: 'the next heartbeat carries none' });
  }
  if (phase.role !== 'standby' && phase.role !== 'starting')
    return refuse(turn, 'resume', `not as ${phase.role}; ask again`);
  if (turn.state.failures > 0)
    return refuse(turn, 'resume', 'blind: it cannot tell whether the owner is alive');
  if (pauseInForce(turn.state) === null) return answer(turn, 'resume', NOT_PAUSED);
  if (!isAbandoned(turn.state, at)) {
    const owner = ownerIn(turn.state.record).owner || 'whoever writes the record';
    const reason = `${owner} may be alive: ask there, or here once it has been silent for D`;
    return refuse(turn, 'resume', reason);
  }
  answer(turn, 'resume', { outcome: 'taken', reason: 'this server may take over' });
  liftPause(turn, 'lifted at this server');
  change(turn, { observeAt: at });
}

function objectionTo({ at, state }: Turn, to: string, force: boolean): Answer | undefined {
  const { phase, identity, peers, unsettled } = state;
  if (phase.role !== 'active') return { outcome: 'refused', reason: notActive(state) };
  if (to === identity.node) return { outcome: 'wrong', reason: `${to} is this server itself` };
  const peer = peers.find(({ node }) => node === to);
  if (peer === undefined || to === '') {
    const names = peers.map(({ node }) => node).filter((node) => node !== '');
    return { outcome: 'wrong', reason: `no slot is called '${to}'; there are ${names.join(', ')}` };
  }
  // Forced or not: a release that is not written names nobody, and nobody follows by himself while paused.
  if (unsettled > 0 && phase.tenure.pause !== null)
    return { outcome: 'refused', reason: `${UNSETTLED}, and while paused nobody would follow: resume first` };
  if (force) return undefined;
  const silentMs = silenceMs(peer, at, identity.timings);
  if (silentMs !== undefined) {
    const seen =
      silentMs === Infinity ? 'never seen to move' : `last seen to move ${Math.round(silentMs)} ms ago`;
    const reason = `${to} shows no life: its slot was ${seen}; forced, others would have to wait D`;
    return { outcome: 'refused', reason };
  }
  if (unsettled === 0) return undefined;
  const reason = `${UNSETTLED}; forced, others would have to wait D`;
  return { outcome: 'refused', reason };
}

/** Nobody is left to renew the record: it is a release, or its writer is dead by R1 or R9. */
function isAbandoned({ observation: seen, identity }: State, at: number): boolean {
  if (seen === undefined) return false;
  if (seen.reading.kind === 'valid' && isReleased(seen.reading.value)) return true;
  const read = { startedAt: seen.lastStartedAt, at };
  return decide(seen, read, identity, null).verdict === 'claim';
}

function notActive({ phase, record, identity }: State): string {
  const { owner, ownerEpoch } = ownerIn(record);
  // Its own record it may see as well: while it settles, and from a former life.
  if (owner === '' || owner === identity.node)
    return `this server is not active (${phase.role}), and no other one is`;
  return `this server is not active (${phase.role}); ${owner} owns the area with epoch ${ownerEpoch}: ask there`;
}

function refuse(turn: Turn, order: Order['order'], reason: string): void {
  answer(turn, order, { outcome: 'refused', reason });
}

function answer(turn: Turn, order: Order['order'], { outcome, reason }: Answer): void {
  note(turn, { event: 'order', order, outcome, reason });
}
