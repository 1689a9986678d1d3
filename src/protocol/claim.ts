import { decide, type Decision } from './decide.ts';
import { epochClaimed, reserveEpoch } from './epoch.ts';
import { observe } from './observe.ts';
import { holdBack, pauseInForce } from './pause.ts';
import { hurrySlot } from './slot.ts';
import { settle } from './settle.ts';
import { abandon } from './stop.ts';
import { change, type EventOf, issueWrite, moveTo, note, type Turn } from './turn.ts';

/** R1, R2: one more read by a standby, and what follows from it. */
export function observeAndDecide(turn: Turn, event: EventOf<'read'>): void {
  const seen = observe(turn, event);
  const { identity, phase } = turn.state;
  if (phase.role !== 'standby') return;
  const decision = decide(seen, event, identity, pauseInForce(turn.state));
  if (decision.verdict === 'held') return holdBack(turn, decision);
  change(turn, { pauses: { ...turn.state.pauses, holds: false } });
  const claims = decision.verdict === 'claim';
  if (decision.verdict !== 'observe') reserve(turn, claims);
  const reserved = claims ? reservedBefore(turn, event) : undefined;
  change(turn, { phase: { role: 'standby', waiting: claims && reserved === undefined } });
  if (reserved === undefined) return;
  // R3: an acknowledgement that would come too late is not asked for; the next read decides again.
  if (event.at < event.startedAt + identity.timings.settleMs) claim(turn, event, reserved, decision);
}

/** R3: an acknowledgement no later than t0 + S, or the claim is abandoned. */
export function claimWritten(turn: Turn, event: EventOf<'written'>): void {
  const { phase, identity } = turn.state;
  if (phase.role !== 'claiming') return;
  const lateMs = event.at - phase.decidedAt - identity.timings.settleMs;
  if (lateMs > 0) {
    return abandon(turn, 'R3', `acknowledged ${Math.ceil(lateMs)} ms later than S after the decision`);
  }
  settle(turn, phase.claim, event);
}

function claim(turn: Turn, event: EventOf<'read'>, epoch: number, { rule, why }: Decision): void {
  note(turn, { event: 'decided', rule, epoch, startedAt: event.startedAt, reason: why });
  change(turn, { epochs: { ...epochClaimed(turn.state.epochs, epoch), reserved: undefined } });
  const { node } = turn.state.identity;
  const pause = pauseInForce(turn.state);
  const claim = issueWrite(turn, { status: 0, node, epoch, successor: '', pause });
  moveTo(turn, { role: 'claiming', claim, decidedAt: event.startedAt }, 'R3', why);
}

/** R3: done while waiting, so that it costs no time. */
function reserve(turn: Turn, claims: boolean): void {
  const { epochs, identity } = turn.state;
  const reserved = reserveEpoch(epochs, identity, claims);
  if (reserved === epochs) return;
  change(turn, { epochs: reserved });
  hurrySlot(turn);
}

/** R3: the reserved epoch, when its reservation was acknowledged before this read started and is in the slot still. */
function reservedBefore(turn: Turn, event: EventOf<'read'>): number | undefined {
  const { epochs, identity } = turn.state;
  const { reserved } = epochs;
  if (reserved?.ackAt === undefined || event.startedAt < reserved.ackAt) return undefined;
  const slot = event.area.slots[identity.index];
  if (slot?.kind === 'valid' && slot.value.incarnation === identity.incarnation) {
    if (slot.value.epoch >= reserved.epoch) return reserved.epoch;
  }
  // A late write of this slot took the epoch out again.
  change(turn, { epochs: { ...epochs, reserved: { epoch: reserved.epoch, ackAt: undefined } } });
  hurrySlot(turn);
  return undefined;
}
