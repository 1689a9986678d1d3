import { becomeOwner } from './fence.ts';
import { invariant } from './invariant.ts';
import type { Settling } from './state.ts';
import { isSamePause } from './pause.ts';
import { abandon } from './stop.ts';
import { leaseMs, settleWaitMs } from './timing.ts';
import { change, type EventOf, issueRead, issueWrite, moveTo, type Turn } from './turn.ts';
import type { OwnershipRecord, Reading } from './types.ts';

/** R4: the claim is on the disk. Whoever decided before it landed has S to land his own; then one look decides. */
export function settle(turn: Turn, claim: OwnershipRecord, event: EventOf<'written'>): void {
  const settling: Settling = {
    role: 'settling',
    step: 'waiting',
    claim,
    claimStartedAt: event.startedAt,
    settleAt: event.at + settleWaitMs(turn.state.identity.timings),
    readStartedAt: 0,
    establishedAt: 0,
  };
  moveTo(turn, settling, 'R4', 'claim acknowledged');
}

/** The settling read, or the one that confirms what was established. */
export function settlingRead(turn: Turn, event: EventOf<'read'>): void {
  const settling = current(turn);
  const { record } = event.area;
  const expected = settling.step === 'confirming' ? owned(turn, settling) : settling.claim;
  // A settling claimant never overwrites anything: what is not exactly its own ends its claim.
  if (!isExactly(record, expected)) return abandon(turn, 'R4', `the record is ${nameOf(record)}`);
  if (tooLate(turn, settling)) return;
  if (settling.step === 'confirming') {
    const heartbeat = { startedAt: settling.readStartedAt, writtenAt: settling.establishedAt };
    return becomeOwner(turn, settling.claim, heartbeat);
  }
  invariant(settling.step === 'reading', 'the settling read comes once');
  const { node, epoch, pause } = settling.claim;
  issueWrite(turn, { status: 1, node, epoch, successor: '', pause });
  change(turn, { phase: { ...settling, step: 'establishing', readStartedAt: event.startedAt } });
}

export function established(turn: Turn, event: EventOf<'written'>): void {
  const settling = current(turn);
  if (tooLate(turn, settling)) return;
  change(turn, { phase: { ...settling, step: 'confirming', establishedAt: event.at } });
  issueRead(turn);
}

/** R4: a claim is a heartbeat too, and what comes after its lease comes too late. */
function tooLate(turn: Turn, { claimStartedAt }: Settling): boolean {
  const endsAt = claimStartedAt + leaseMs(turn.state.identity.timings);
  if (turn.at < endsAt) return false;
  abandon(turn, 'R4', `not finished within L of the claim's start, ${Math.ceil(turn.at - endsAt)} ms late`);
  return true;
}

function current(turn: Turn): Settling {
  const { phase } = turn.state;
  invariant(phase.role === 'settling', 'a claimant settles');
  return phase;
}

function owned(turn: Turn, { claim }: Settling): OwnershipRecord {
  return { ...claim, status: 1, count: turn.state.count };
}

function isExactly(reading: Reading<OwnershipRecord>, record: OwnershipRecord): boolean {
  if (reading.kind !== 'valid') return false;
  const { status, node, epoch, incarnation, count, successor, pause } = reading.value;
  return (
    status === record.status &&
    node === record.node &&
    epoch === record.epoch &&
    incarnation === record.incarnation &&
    count === record.count &&
    successor === record.successor &&
    isSamePause(pause, record.pause)
  );
}

function nameOf(reading: Reading<OwnershipRecord>): string {
  if (reading.kind !== 'valid') return reading.kind;
  const { status, node, epoch, count } = reading.value;
  const whose = node === '' ? 'a release' : `${status === 1 ? "owner's" : "claimant's"} ${node}`;
  return `${whose} of epoch ${epoch}, count ${count}`;
}
