import type { HeartbeatSeen, Observation } from './state.ts';
import { quietIntervalMs } from './timing.ts';
import { type AreaEvent, change, type EventOf, note, type Turn } from './turn.ts';
import type { OwnershipRecord, Reading, Timings } from './types.ts';

/** R1: one more good read of the record, by a server that is not its owner. */
export function observe(turn: Turn, event: AreaEvent): Observation {
  const { observation: former, identity } = turn.state;
  const { observation, change: what } = observed(former, event.area.record, event, identity.timings);
  change(turn, { observation, observeAt: nextReadAt(observation, event.startedAt, identity.timings) });
  const { status, node, epoch, count } = fieldsOf(observation.reading);
  if (what === undefined) {
    const { unchanged, sinceAt } = observation;
    note(turn, { event: 'observed', node, epoch, status, unchanged, sinceAt, readAt: event.startedAt });
  } else {
    note(turn, { event: 'observed-change', node, epoch, status, count, what });
  }
  return observation;
}

/** R1: a read that fails neither counts nor resets. */
export function observedNothing(turn: Turn, event: EventOf<'read-failed'>): void {
  const { observation, identity } = turn.state;
  const observeAt =
    observation === undefined
      ? event.startedAt + identity.timings.intervalMs
      : nextReadAt(observation, event.startedAt, identity.timings);
  change(turn, { observeAt });
}

/**
 * What is known after one more read, which started at `startedAt` and returned at `at`. `change` says what was new;
 * undefined when the bytes were the same.
 */
export function observed(
  former: Observation | undefined,
  reading: Reading<OwnershipRecord>,
  read: { startedAt: number; at: number },
  t: Timings,
): { observation: Observation; change: string | undefined } {
  const first = { reading, sinceAt: read.at, unchanged: 0, lastStartedAt: read.startedAt };
  if (former === undefined) {
    return { observation: { ...first, heartbeat: undefined }, change: `first seen: ${kindOf(reading)}` };
  }
  if (former.reading.bytes !== reading.bytes) {
    const heartbeat = heartbeatSeen(former, reading);
    return { observation: { ...first, heartbeat }, change: `now ${kindOf(reading)}` };
  }
  const gapMs = read.at - former.lastStartedAt;
  if (reading.kind !== 'valid' && gapMs > t.settleMs) {
    // R9: a claim may have come and gone between two reads that lie further apart than S.
    const change = `${Math.ceil(gapMs)} ms from read to read, more than S = ${t.settleMs}: observed anew`;
    return { observation: { ...first, heartbeat: undefined }, change };
  }
  const observation = { ...former, unchanged: former.unchanged + 1, lastStartedAt: read.startedAt };
  return { observation, change: undefined };
}

/**
 * When to read next: every T after the read that first showed the present bytes had returned, so that one of these
 * reads, the deciding one, starts exactly D after that. R9: every T/2 where there is no valid record.
 */
function nextReadAt({ reading, sinceAt }: Observation, lastStartedAt: number, t: Timings): number {
  const everyMs = reading.kind === 'valid' ? t.intervalMs : quietIntervalMs(t);
  const done = Math.max(0, Math.floor((lastStartedAt - sinceAt) / everyMs));
  const next = sinceAt + (done + 1) * everyMs;
  return next > lastStartedAt ? next : sinceAt + (done + 2) * everyMs;
}

/** R8: a heartbeat is a count that grew from one owned record to the next of the same epoch. */
function heartbeatSeen(former: Observation, reading: Reading<OwnershipRecord>): HeartbeatSeen | undefined {
  if (reading.kind !== 'valid') return undefined;
  const { epoch, incarnation, status, count } = reading.value;
  const before = former.reading.kind === 'valid' ? former.reading.value : undefined;
  if (before === undefined || before.epoch !== epoch || before.incarnation !== incarnation) return undefined;
  if (before.status === 1 && status === 1 && count > before.count) {
    return { epoch, incarnation, olderStartedAt: former.lastStartedAt };
  }
  return former.heartbeat;
}

function fieldsOf(reading: Reading<OwnershipRecord>): {
  status: 0 | 1 | null;
  node: string;
  epoch: number;
  count: number;
} {
  return reading.kind === 'valid' ? reading.value : { status: null, node: '', epoch: 0, count: 0 };
}

function kindOf(reading: Reading<OwnershipRecord>): string {
  if (reading.kind === 'null') return 'null';
  if (reading.kind === 'damaged') return `damaged: ${reading.why}`;
  const { status, node, epoch } = reading.value;
  if (status === 1) return `owned by ${node}, epoch ${epoch}`;
  return node === '' ? `released, epoch ${epoch}` : `claimed by ${node}, epoch ${epoch}`;
}
