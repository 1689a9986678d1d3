import type { EventOf } from '../turn.ts';
import { beginServing } from './own.ts';
import { become, change, type LiteralTurn, note, readNow, standBy, writeNow } from './turn.ts';

/**
 * Claims 1, 2 and 4: a standby reads the heartbeat value on a timer and contends when there is no owner, or when the
 * value was the same M times in a row.
 */
export function standbyRead(turn: LiteralTurn, { area, startedAt }: EventOf<'start' | 'read'>): void {
  const { identity, seen } = turn.state;
  const { record } = area;
  change(turn, { timerAt: startedAt + identity.timings.intervalMs });
  if (record.kind === 'damaged') {
    const fields = { node: '', epoch: 0, status: null, count: 0 } as const;
    return note(turn, { event: 'observed-change', ...fields, what: `damaged: ${record.why}` });
  }
  if (record.kind === 'null') return contend(turn, 0, startedAt, 'null record: no owner');
  const { status, node, count, epoch } = record.value;
  if (status === 0) return contend(turn, count, startedAt, 'status 0: no owner');
  if (seen?.count !== count) {
    change(turn, { seen: { count, unchanged: 0 } });
    return note(turn, { event: 'observed-change', node, epoch, status, count, what: `count ${count}` });
  }
  const unchanged = seen.unchanged + 1;
  change(turn, { seen: { count, unchanged } });
  note(turn, { event: 'observed', node, epoch, status, unchanged, sinceAt: startedAt, readAt: startedAt });
  if (unchanged >= identity.timings.misses) {
    contend(turn, count, startedAt, `count ${count} unchanged ${unchanged} times in a row`);
  }
}

/** Claim 2: write the node, read it back; if it matches, write the count, read it back; if it equals, won. */
export function contenderRead(turn: LiteralTurn, { area }: EventOf<'read'>): void {
  const { identity, role, count } = turn.state;
  const found = area.record.kind === 'valid' ? area.record.value : undefined;
  if (role === 'claiming') {
    if (found?.node !== identity.node) return lose(turn, `node reads '${found?.node ?? ''}'`);
    become(turn, 'settling', 'node matches');
    return writeNow(turn, { status: 1, node: identity.node, count });
  }
  if (found?.count !== count) return lose(turn, `count reads ${found?.count ?? 'nothing'}`);
  beginServing(turn);
}

/** What was written is read back whether or not the write was known to have got there. */
export function contenderWritten(turn: LiteralTurn): void {
  readNow(turn);
}

export function lose(turn: LiteralTurn, reason: string): void {
  note(turn, { event: 'claim-abandoned', rule: 'literal', epoch: 0, reason });
  standBy(turn, reason);
}

function contend(turn: LiteralTurn, count: number, startedAt: number, reason: string): void {
  note(turn, { event: 'decided', rule: 'literal', epoch: 0, startedAt, reason });
  change(turn, { count: count + 1 });
  become(turn, 'claiming', reason);
  writeNow(turn, { status: 0, node: turn.state.identity.node, count });
}
