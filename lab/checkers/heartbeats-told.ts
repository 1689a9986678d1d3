import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import type { History } from '../history/events.ts';
import { timingsOf } from './bound.ts';
import { powerCuts, stoppedWindows, within } from './fault-windows.ts';
import type { Findings } from './findings.ts';
import type { Instants } from './instants.ts';
import { isLiteral } from './literal.ts';
import { recordWrites } from './quorum-disk.ts';

type QuorumWrite = Extract<AuditLine, { event: 'quorum-write' }>;
type Lease = Extract<JournalLine, { event: 'lease' }>;
type Owned = QuorumWrite & { record: NonNullable<QuorumWrite['record']> };

/**
 * What a server did to the record, as the storage node saw it, against what its journal tells of it. Safe protocol:
 * every lease is one write of the record; every written record made a lease,
 * or the journal says why not. Both protocols: a claim was decided, and whoever was let in owned the record.
 */
export function judgeHeartbeats(findings: Findings, history: History, instants: Instants): void {
  const literal = isLiteral(history);
  const writes = recordWrites(history.audit).filter(
    (write): write is Owned => (write.record?.node ?? '') !== '',
  );
  let leases = 0;
  for (const [server, lines] of history.journals) {
    const own = writes.filter((write) => write.record.node === server);
    if (!literal) {
      judgeLeases(findings, server, lines, own, instants);
      judgeOwned(findings, history, server, lines, own);
      leases += lines.filter((line) => line.event === 'lease').length;
    }
    judgeClaims(findings, history, server, lines, own, instants);
    judgeAdmissions(findings, history, server, lines, literal, instants);
  }
  findings.count({ leases, recordWrites: writes.length });
  if (writes.length > 0)
    findings.holds(`${writes.length} writes of the record, and ${leases} leases that came of them`);
}

/** Every lease is one write of the record: the storage node told it before it answered it. */
function judgeLeases(
  findings: Findings,
  server: string,
  lines: readonly JournalLine[],
  own: readonly Owned[],
  { at }: Instants,
): void {
  for (const lease of lines) {
    if (lease.event !== 'lease') continue;
    const write = own.find(({ record }) => record.status === 1 && isOf(record, lease));
    const what = `${server} had a lease of epoch ${lease.epoch}, count ${lease.count}`;
    if (write === undefined)
      findings.unknown(`${what} at ${at(lease.t)}, and the storage node saw no such write`);
  }
}

/** Owner's records without a lease, epoch by epoch: no more than the journal has reasons for, or a power cut hid. */
function judgeOwned(
  findings: Findings,
  history: History,
  server: string,
  lines: readonly JournalLine[],
  own: readonly Owned[],
): void {
  const leases = lines.filter((line) => line.event === 'lease');
  const without = new Map<number, Owned[]>();
  for (const write of own) {
    const { record } = write;
    if (record.status !== 1 || leases.some((lease) => isOf(record, lease))) continue;
    without.set(record.epoch, [...(without.get(record.epoch) ?? []), write]);
  }
  for (const [epoch, writes] of without) {
    const reasons = lines.filter((line) => explainsNoLease(line, epoch)).length;
    const hidden = writes.some((write) => isHidden(history, server, lines, write)) ? 1 : 0;
    if (writes.length <= reasons + hidden) continue;
    const counts = writes.map(({ record }) => record.count).join(', ');
    findings.unknown(
      `${server} wrote the record of epoch ${epoch} ${writes.length} times (count ${counts}) without a lease in its journal, ` +
        `which explains ${reasons + hidden}`,
    );
  }
}

/**
 * The last heartbeat of a server that lost its power as an owner may have no line: it was written no earlier than q
 * before, for by then it would have been answered or given up. It may land whenever it likes.
 */
function isHidden(
  history: History,
  server: string,
  lines: readonly JournalLine[],
  { record, beganAt }: Owned,
): boolean {
  const told = lines.filter((line) => isOfEpoch(line, record.epoch));
  const last = told.at(-1);
  if (last?.event === 'role' && !['claiming', 'settling', 'active'].includes(last.to)) return false;
  if (told.some((line) => line.event === 'lease' && line.count > record.count)) return false;
  const cut = powerCuts(history, server).find(({ toT }) => toT >= (last?.t ?? 0));
  const qMs = timingsOf(history)?.deadlineMs ?? 0;
  return cut !== undefined && beganAt >= cut.fromT - qMs * 1e6;
}

/** Lines after which a heartbeat's write has no lease: it failed, came too late, or its owner was one no longer. */
function explainsNoLease(line: JournalLine, epoch: number): boolean {
  if (line.event === 'heartbeat-failed') return line.epoch === epoch && line.phase === 'write';
  if (line.event === 'claim-abandoned') return line.epoch === epoch;
  return line.event === 'role' && line.epoch === epoch && OWNS.has(line.from) && line.to !== 'active';
}

const OWNS: ReadonlySet<string> = new Set(['settling', 'active', 'stopping']);

function isOfEpoch(line: JournalLine, epoch: number): boolean {
  return (line.event === 'lease' || line.event === 'role') && line.epoch === epoch;
}

/** Nobody claims without saying that and why it decided to. */
function judgeClaims(
  findings: Findings,
  history: History,
  server: string,
  lines: readonly JournalLine[],
  own: readonly Owned[],
  { at }: Instants,
): void {
  const cuts = powerCuts(history, server);
  for (const { record, beganAt, t } of own) {
    if (record.status !== 0) continue;
    const isDecided = lines.some(
      (line) => line.event === 'decided' && line.epoch === record.epoch && line.startedAt <= beganAt,
    );
    if (isDecided || within(cuts, t)) continue;
    findings.unknown(
      `${server} claimed epoch ${record.epoch} at ${at(beganAt)}, and its journal does not tell of a decision`,
    );
  }
}

/** Whoever is let into the data area is within its lease; one whose agent a fault had stopped may have outlived it. */
function judgeAdmissions(
  findings: Findings,
  history: History,
  server: string,
  lines: readonly JournalLine[],
  literal: boolean,
  { at }: Instants,
): void {
  const leases = lines.filter((line): line is Lease => line.event === 'lease');
  const stopped = stoppedWindows(history, server);
  for (const line of history.audit) {
    if (line.event !== 'admitted' || line.node !== server) continue;
    const { t, epoch } = line;
    const isOwner = literal
      ? lines.some((role) => role.event === 'role' && role.to === 'active' && role.t <= t)
      : leases.some((lease) => lease.epoch === epoch && lease.startedAt <= t && t <= lease.endsAt);
    if (isOwner || within(stopped, t)) continue;
    findings.unknown(
      `${line.export} was let in at ${at(t)}, and the journal of ${server} has no ${literal ? 'ownership' : `lease of epoch ${epoch}`} for then`,
    );
  }
}

/** The record and the lease of one heartbeat. */
export function isOf(
  record: { epoch: number; count: number },
  lease: { epoch: number; count: number },
): boolean {
  return record.epoch === lease.epoch && record.count === lease.count;
}
