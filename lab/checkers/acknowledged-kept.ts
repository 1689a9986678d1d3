import type { Checker, History } from '../history/events.ts';
import { type LogRecord, RECORD_BYTES, scanLog, type ScanStop } from '../workload/log-format.ts';
import { Findings } from './findings.ts';
import { type Instants, instantsOf } from './instants.ts';
import { type Operation, operationsOf } from './operations.ts';

/**
 * What the client was promised, against the disk as it was left: every acknowledged append is in the log exactly once,
 * with the sequence number it was acknowledged with; a refused one is not in it, an unknown one at most once; and an
 * append that began after another was acknowledged stands behind it.
 */
export const acknowledgedKept: Checker = (history) => {
  const findings = new Findings(
    'acknowledged-kept',
    'no acknowledged append was lost, doubled or reordered, and none that was refused was done',
  );
  if (history.data === undefined) {
    findings.unknown('the data area was not collected');
    return findings.result('');
  }
  const instants = instantsOf(history);
  const log = scanLog(history.data);
  const inLog = new Map<string, LogRecord[]>();
  for (const record of log.records) {
    if (record.kind === 'append') inLog.set(record.id, [...(inLog.get(record.id) ?? []), record]);
  }
  const operations = operationsOf(history.client);

  judgeEnd(findings, log.stop, log.behind);
  judgeOperations(findings, instants, operations, inLog, log.stop);
  judgeOrder(findings, instants, operations, inLog);
  judgeStrangers(findings, history, operations, inLog);

  const acknowledged = operations.filter((operation) => operation.outcome === 'ok').length;
  const unknown = operations.filter((operation) => operation.outcome === 'unknown').length;
  if (acknowledged > 0) {
    findings.holds(
      `${acknowledged} acknowledged appends and ${unknown} of unknown outcome, in a log of ${log.records.length} records`,
    );
  }
  findings.count({ acknowledged, unknownAppends: unknown, logRecords: log.records.length });
  return findings.result('no append was acknowledged');
};

/** A log ends at an empty sector or at the end of its area; any record behind that was once part of it, or overwrote it. */
function judgeEnd(findings: Findings, stop: ScanStop, behind: readonly LogRecord[]): void {
  if (stop.why === 'epoch' || stop.why === 'sequence') {
    findings.violated(`${whereLogEnds(stop)}: sequence numbers are contiguous and epochs never go back`);
  } else if (behind.length > 0) {
    const first = behind[0]!;
    const many = behind.length === 1 ? 'a record stands' : `${behind.length} records stand`;
    findings.violated(
      `${whereLogEnds(stop)}, and ${many} behind that, the first with seq ${first.seq} and epoch ${first.epoch}`,
    );
  }
}

function judgeOperations(
  findings: Findings,
  { at }: Instants,
  operations: readonly Operation[],
  inLog: ReadonlyMap<string, readonly LogRecord[]>,
  stop: ScanStop,
): void {
  for (const { id, outcome, endT, seq, server } of operations) {
    const records = inLog.get(id) ?? [];
    const acknowledged = `append ${id} was acknowledged by ${server} at ${at(endT)} as seq ${seq}`;
    if (records.length > 1) {
      findings.violated(
        `append ${id} stands in the log ${records.length} times, as seq ${records.map((r) => r.seq).join(' and ')}`,
        endT,
      );
    } else if (outcome === 'ok' && records.length === 0) {
      findings.violated(`${acknowledged}, and the log does not have it: ${whereLogEnds(stop)}`, endT);
    } else if (outcome === 'ok' && records[0]!.seq !== seq) {
      findings.violated(`${acknowledged}, and stands in the log as seq ${records[0]!.seq}`, endT);
    } else if (outcome === 'refused' && records.length > 0) {
      findings.violated(
        `append ${id} was refused at ${at(endT)}, and stands in the log as seq ${records[0]!.seq}`,
        endT,
      );
    }
  }
}

/** Real time: whatever began after an append had been acknowledged comes behind it in the log. */
function judgeOrder(
  findings: Findings,
  { at }: Instants,
  operations: readonly Operation[],
  inLog: ReadonlyMap<string, readonly LogRecord[]>,
): void {
  const acknowledged = operations
    .filter((operation) => operation.outcome === 'ok')
    .sort((a, b) => a.endT - b.endT);
  let next = 0;
  let last: Operation | undefined;
  for (const operation of [...operations].sort((a, b) => a.beginT - b.beginT)) {
    for (; next < acknowledged.length && acknowledged[next]!.endT < operation.beginT; next += 1) {
      if (last === undefined || acknowledged[next]!.seq! > last.seq!) last = acknowledged[next]!;
    }
    const seq = operation.seq ?? inLog.get(operation.id)?.[0]?.seq;
    if (last === undefined || seq === undefined || seq > last.seq!) continue;
    findings.violated(
      `append ${operation.id} (seq ${seq}) began at ${at(operation.beginT)}, after ${last.id} had been acknowledged ` +
        `at ${at(last.endT)} as seq ${last.seq}, and yet stands before it`,
      operation.endT,
    );
  }
}

/** Records that the client never sent; unless its history is not whole, for then it may have. */
function judgeStrangers(
  findings: Findings,
  history: History,
  operations: readonly Operation[],
  inLog: ReadonlyMap<string, readonly LogRecord[]>,
): void {
  const sent = new Set(operations.map((operation) => operation.id));
  const strangers = [...inLog.keys()].filter((id) => !sent.has(id));
  const unreadable = history.unreadable.some((sentence) => sentence.includes('client'));
  const whole = !unreadable && history.client.at(-1)?.event === 'client-stopped';
  if (!whole) findings.unknown('the history of the client is not whole');
  if (strangers.length === 0) return;
  const sentence = `${strangers.length} appends stand in the log that no client sent, the first ${strangers[0]}`;
  if (whole) findings.violated(sentence);
  else findings.unknown(sentence);
}

function whereLogEnds(stop: ScanStop): string {
  const sector = `sector ${stop.at} (byte ${stop.at * RECORD_BYTES})`;
  switch (stop.why) {
    case 'full':
      return `it fills its area of ${stop.at} sectors`;
    case 'empty':
      return `it ends at ${sector}, which is empty`;
    case 'damaged':
      return `it ends at ${sector}: ${stop.detail}`;
    default: {
      const { kind, epoch, node, seq } = stop.found;
      const what = kind === 'append' ? 'an append' : `the ${kind} record`;
      return `it ends at ${sector}, where ${what} of ${node} with epoch ${epoch} and seq ${seq} stands`;
    }
  }
}
