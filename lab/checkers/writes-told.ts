import type { AuditLine } from '../../src/ports/audit.ts';
import type { History } from '../history/events.ts';
import { decodeRecord, type LogRecord, RECORD_BYTES, scanLog } from '../workload/log-format.ts';
import { powerCuts, type Window } from './fault-windows.ts';
import type { Findings } from './findings.ts';
import type { Instants } from './instants.ts';
import { type Operation, operationsOf } from './operations.ts';

type Write = Extract<AuditLine, { event: 'write' }>;
type Written = ReadonlyMap<number, readonly Write[]>;

/** The record of writes against the data area as it was left, and against what the client was promised. */
export function judgeWrites(findings: Findings, history: History, instants: Instants): void {
  const written = durableWrites(history);
  const kills = powerCuts(history, 'storage');
  const untold = (sector: number) => kills.find((kill) => atTheFront(written, sector, kill));
  if (history.data !== undefined) {
    const { records } = scanLog(history.data);
    judgeLog(findings, records, written, (sector) => untold(sector) !== undefined);
    judgeSectors(findings, history.data, written, instants);
    findings.count({ untoldWrites: records.filter((r) => !written.has(r.seq)).length });
  }
  const operations = operationsOf(history.client).filter(({ outcome }) => outcome === 'ok');
  judgePromises(findings, operations, written, untold, instants);
  findings.holds(
    `${history.audit.length} lines; each of ${operations.length} acknowledged appends has its durable write`,
  );
}

/**
 * Writes that were forced to the disk and succeeded, by sector; and those of which nobody heard what became of them, which
 * may have. A service writes one sector at a time and no less.
 */
function durableWrites({ audit }: History): Written {
  const written = new Map<number, Write[]>();
  for (const line of audit) {
    if (line.event !== 'write' || !line.fua) continue;
    if (line.outcome !== 'ok' && line.outcome !== 'unknown') continue;
    if (line.length !== RECORD_BYTES || line.offset % RECORD_BYTES !== 0) continue;
    const sector = line.offset / RECORD_BYTES;
    const others = written.get(sector);
    if (others === undefined) written.set(sector, [line]);
    else others.push(line);
  }
  return written;
}

/**
 * The one sector that a killed gate may have written without telling: a service writes them in turn and one at a time,
 * so it is the one behind all that had been told by then.
 */
function atTheFront(written: Written, sector: number, kill: Window): boolean {
  const toldBefore = (at: number) => written.get(at)?.some((write) => write.t <= kill.toT) === true;
  if (toldBefore(sector) || (sector > 0 && !toldBefore(sector - 1))) return false;
  return [...written.keys()].every((other) => other <= sector || !toldBefore(other));
}

function judgeLog(
  findings: Findings,
  records: readonly LogRecord[],
  written: Written,
  isExcused: (sector: number) => boolean,
): void {
  for (const { seq, kind, epoch, node } of records) {
    if (written.has(seq) || isExcused(seq)) continue;
    findings.unknown(
      `the ${kind} with seq ${seq} of ${node} (epoch ${epoch}) is on the disk, and the record has no durable write of it`,
    );
  }
}

/** What was written last, by the record, is what stands there; of writes that ran at the same time, or that may have been carried out, any one. */
function judgeSectors(findings: Findings, data: Uint8Array, written: Written, { at }: Instants): void {
  for (const [sector, writes] of written) {
    const certain = writes.filter(({ outcome }) => outcome === 'ok');
    if (certain.length === 0) continue;
    const last = certain.reduce((a, b) => (b.t > a.t ? b : a));
    const reading = decodeRecord(data.subarray(sector * RECORD_BYTES, (sector + 1) * RECORD_BYTES));
    const stands = reading.kind === 'record' ? reading.record : undefined;
    const isOneOf = writes.some(
      ({ t, node, epoch }) => t >= last.beganAt && node === stands?.node && epoch === stands.epoch,
    );
    if (isOneOf) continue;
    const found =
      stands === undefined ? `is ${reading.kind}` : `holds one of ${stands.node} (epoch ${stands.epoch})`;
    findings.unknown(
      `${last.node} (epoch ${last.epoch}) wrote sector ${sector} at ${at(last.t)} by the record, and it ${found}`,
    );
  }
}

/** A service answers after the gate did, so the write lies between the client's beginning and its end. */
function judgePromises(
  findings: Findings,
  operations: readonly Operation[],
  written: Written,
  untold: (sector: number) => Window | undefined,
  { at }: Instants,
): void {
  for (const { id, seq, server, beginT, endT } of operations) {
    const writes = seq === undefined ? [] : (written.get(seq) ?? []);
    if (writes.some(({ beganAt, t }) => beganAt >= beginT && t <= endT)) continue;
    const kill = seq === undefined ? undefined : untold(seq);
    if (kill !== undefined && kill.fromT <= endT && beginT <= kill.toT) continue;
    const append = `append ${id} (seq ${seq}), acknowledged by ${server} at ${at(endT)},`;
    if (writes.length === 0) findings.unknown(`${append} has no durable write in the record`);
    else
      findings.unknown(
        `${append} was written from ${at(writes[0]!.beganAt)} to ${at(writes[0]!.t)} by the record, not while the client waited from ${at(beginT)}`,
      );
  }
}
