import type { AuditLine } from '../../src/ports/audit.ts';
import type { Checker, History } from '../history/events.ts';
import { Findings } from './findings.ts';
import { inMs, instantsOf } from './instants.ts';

type Write = Extract<AuditLine, { event: 'write' }>;

/** An owner was let in. */
interface LetIn {
  export: string;
  epoch: number;
  t: number;
}

/**
 * Promise (b), from the storage node's own record alone: once a newer owner was let in, no write of an older one
 * changes the data area. Newer is the higher epoch; where epochs are equal (`literal` has only one), it is the name
 * that was let in later, connection by connection. A write counts until it is finished: one that began in time and
 * ended after the newer owner was let in changed the data under its hands.
 */
export const singleWriter: Checker = (history) => {
  const findings = new Findings(
    'single-writer',
    'once a newer owner was let in, no write of an older one changed the data area',
  );
  const { at } = instantsOf(history);
  const { writes, connections, letIn, strangers } = collect(history.audit);
  const earliest = earliestAbove(letIn);
  const late = new Map<string, { write: Write; newer: LetIn; failed: boolean; count: number }>();

  for (const write of writes) {
    const own = connections.get(write);
    const newer =
      earliest(write.epoch, write.t) ?? (own === undefined ? undefined : rivalOf(write, own, letIn));
    if (newer === undefined) continue;
    const failed = write.outcome !== 'ok';
    const key = `${write.export} ${newer.export} ${failed}`;
    const known = late.get(key);
    if (known === undefined) late.set(key, { write, newer, failed, count: 1 });
    else known.count += 1;
  }

  for (const { write, newer, failed, count } of late.values()) {
    const sentence =
      `${write.node} wrote under epoch ${write.epoch} after ${newer.export} had been let in at ${at(newer.t)}: ` +
      `${count} ${count === 1 ? 'write' : 'writes'}, the first of ${write.length} bytes at ${write.offset} ` +
      `from ${at(write.beganAt)} to ${at(write.t)} (${inMs((write.t - newer.t) / 1e6)} late), outcome ${write.outcome}`;
    if (failed) findings.unknown(`${sentence}: it may have changed something all the same`);
    else findings.violated(sentence, write.t, [write.node]);
  }
  judgeStrangers(findings, history, strangers);
  const owners = new Set(writes.map((write) => write.export)).size;
  if (writes.length > 0 && late.size === 0 && strangers.length === 0) {
    findings.holds(`${writes.length} writes by ${owners} ${owners === 1 ? 'owner' : 'owners in turn'}`);
  }
  findings.count({ writes: writes.length, writers: owners });
  return findings.result('the audit has no write to the data area');
};

/** The writes, when the connection of each was let in, and all admissions. Connection numbers start anew with the gate. */
function collect(audit: readonly AuditLine[]) {
  const writes: Write[] = [];
  const connections = new Map<Write, LetIn>();
  const letIn: LetIn[] = [];
  const strangers: Write[] = [];
  let open = new Map<number, LetIn>();
  for (const line of audit) {
    if (line.event === 'gate-started') open = new Map();
    if (line.event === 'admitted') {
      const admission = { export: line.export, epoch: line.epoch, t: line.t };
      open.set(line.connection, admission);
      letIn.push(admission);
    }
    if (line.event !== 'write') continue;
    writes.push(line);
    const admission = open.get(line.connection);
    if (admission?.export === line.export) connections.set(line, admission);
    else strangers.push(line);
  }
  return { writes, connections, letIn, strangers };
}

/** Every connection with the data area is let in, and told to be, before it may write. */
function judgeStrangers(findings: Findings, history: History, strangers: readonly Write[]): void {
  const [first] = strangers;
  if (first === undefined) return;
  const { at } = instantsOf(history);
  findings.violated(
    `${first.node} wrote under epoch ${first.epoch} as ${first.export} on connection ${first.connection}, which was never let in ` +
      `under that name: ${strangers.length} ${strangers.length === 1 ? 'write' : 'writes'}, the first at ${at(first.t)}`,
    first.t,
    strangers.map(({ node }) => node),
  );
}

/** Finds the first admission of any epoch above the given one that came before the given instant. */
function earliestAbove(letIn: readonly LetIn[]): (epoch: number, beforeT: number) => LetIn | undefined {
  const byEpoch = [...letIn].sort((a, b) => b.epoch - a.epoch || a.t - b.t);
  return (epoch, beforeT) => {
    let found: LetIn | undefined;
    for (const each of byEpoch) {
      if (each.epoch <= epoch) break;
      if (each.t < beforeT && (found === undefined || each.t < found.t)) found = each;
    }
    return found;
  };
}

/** Another name under the same epoch, let in after this write's own connection and before the write was finished. */
function rivalOf(write: Write, own: LetIn, letIn: readonly LetIn[]): LetIn | undefined {
  return letIn.find(
    (each) =>
      each.epoch === write.epoch && each.export !== write.export && each.t > own.t && each.t < write.t,
  );
}
