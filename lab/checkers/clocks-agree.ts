import type { Checker, History } from '../history/events.ts';
import { Findings } from './findings.ts';
import { isOf } from './heartbeats-told.ts';
import { type Instants, instantsOf } from './instants.ts';
import { recordWrites } from './quorum-disk.ts';
import { faultsOf } from './fault-windows.ts';

interface Timed {
  t: number;
  event: string;
}

/**
 * Every instant of a history is of one clock, and all that is judged leans on it: so time only goes on within a
 * source, everything lies between the beginning and the end of the lab, and no effect comes before its cause.
 */
export const clocksAgree: Checker = (history) => {
  const findings = new Findings(
    'clocks-agree',
    'all sources tell one time: nothing came before its cause, or outside the run',
  );
  const instants = instantsOf(history);
  const sources = sourcesOf(history).filter(([, lines]) => lines.length > 0);
  for (const [name, lines] of sources) {
    judgeOrder(findings, name, lines, instants);
    judgeBounds(findings, history, name, lines, instants);
  }
  judgeHeartbeats(findings, history, instants);
  judgeSights(findings, history, instants);
  judgeSilenceOfTheDead(findings, history, instants);
  const lines = sources.reduce((sum, [, each]) => sum + each.length, 0);
  const isBounded = history.lab.at(-1)?.event === 'lab-ended';
  if (isBounded) findings.holds(`${lines} lines of ${sources.length} sources, in order and within the run`);
  return findings.result('there is no run that they could lie in');
};

function sourcesOf({ lab, client, audit, journals }: History): [name: string, lines: readonly Timed[]][] {
  const journalsOf = [...journals].map(([server, lines]): [string, readonly Timed[]] => [
    `the journal of ${server}`,
    lines,
  ]);
  // Told later than they happened, with the instant at which they did.
  const inOrder = lab.filter(({ event }) => event !== 'stall' && event !== 'serving-again');
  return [['the lab', inOrder], ['the client', client], ["the storage node's record", audit], ...journalsOf];
}

function judgeOrder(findings: Findings, name: string, lines: readonly Timed[], { at }: Instants): void {
  for (const [i, line] of lines.entries()) {
    const before = lines[i - 1];
    if (before === undefined || before.t <= line.t) continue;
    findings.unknown(
      `${name} goes back in time: ${line.event} at ${at(line.t)} after ${before.event} at ${at(before.t)}`,
    );
  }
}

/** Only the storage node is there before the lab begins: it lays out the area. */
function judgeBounds(
  findings: Findings,
  { lab }: History,
  name: string,
  lines: readonly Timed[],
  { at }: Instants,
): void {
  const fromT = lab.find((event) => event.event === 'lab-started')?.t;
  const toT = lab.findLast((event) => event.event === 'lab-ended')?.t;
  if (fromT === undefined || toT === undefined) return;
  const isStorage = name.startsWith('the storage');
  const early = lines.find(({ t, event }) => t < fromT && !(isStorage && BRING_UP.has(event)));
  const late = lines.find(({ t }) => t > toT);
  if (early !== undefined)
    findings.unknown(`${name} tells ${early.event} at ${at(early.t)}, before the lab began`);
  if (late !== undefined)
    findings.unknown(`${name} tells ${late.event} at ${at(late.t)}, after the lab had ended`);
}

const BRING_UP = new Set(['server-started', 'gate-started', 'connected', 'quorum-write', 'disconnected']);

/** A heartbeat's write was begun after its read, and told before it was acknowledged. */
function judgeHeartbeats(findings: Findings, history: History, { at }: Instants): void {
  const writes = recordWrites(history.audit);
  for (const [server, lines] of history.journals) {
    for (const lease of lines) {
      if (lease.event !== 'lease') continue;
      const { startedAt, writtenAt, epoch, count } = lease;
      const write = writes.find(
        ({ record }) => record?.node === server && record.status === 1 && isOf(record, lease),
      );
      if (write === undefined || (write.beganAt >= startedAt && write.t <= writtenAt && writtenAt <= lease.t))
        continue;
      findings.unknown(
        `${server} tells at ${at(lease.t)} of a heartbeat (epoch ${epoch}, count ${count}) between ${at(startedAt)} and ${at(writtenAt)}, ` +
          `and the storage node of its write from ${at(write.beganAt)} to ${at(write.t)}`,
      );
    }
  }
}

/** What a standby saw of the record had begun to be written by then. */
function judgeSights(findings: Findings, history: History, { at }: Instants): void {
  const began = new Map<string, number>();
  for (const { record, beganAt } of recordWrites(history.audit)) {
    if (record === null) continue;
    const key = `${record.status} ${record.epoch} ${record.count}`;
    began.set(key, Math.min(began.get(key) ?? Infinity, beganAt));
  }
  const isKilled = faultsOf(history).some(({ fault }) => fault === 'storage-kill');
  for (const [server, lines] of history.journals) {
    for (const line of lines) {
      if (line.event !== 'observed-change' || line.status === null) continue;
      const beganAt = began.get(`${line.status} ${line.epoch} ${line.count}`);
      const saw = `${server} saw epoch ${line.epoch}, status ${line.status}, count ${line.count} at ${at(line.t)}`;
      if (beganAt === undefined && !isKilled)
        findings.unknown(`${saw}, and the storage node's record has no such write`);
      else if (beganAt !== undefined && beganAt > line.t)
        findings.unknown(
          `${saw}, before it began to be written at ${at(beganAt)}: their clocks do not agree`,
        );
    }
  }
}

/** For what is judged by instants of two sources: why they cannot be compared; undefined when they can. */
export function clockDoubt(history: History): string | undefined {
  const { verdict, evidence } = clocksAgree(history);
  return verdict === 'valid' ? undefined : `the clocks may not agree: ${evidence[0]}`;
}

/** A server without power says nothing. */
function judgeSilenceOfTheDead(findings: Findings, history: History, { at }: Instants): void {
  for (const { fault, target, effective, healed } of faultsOf(history)) {
    if ((fault !== 'kill' && fault !== 'stop') || effective === undefined) continue;
    const lines = history.journals.get(target) ?? [];
    const startedT = lines.find((line) => line.event === 'agent-started' && line.t > effective.t)?.t;
    const untilT = Math.min(startedT ?? Infinity, healed?.t ?? Infinity);
    const line = lines.find(({ t, event }) => t > effective.t && t < untilT && event !== 'warning');
    if (line !== undefined)
      findings.unknown(
        `${target} tells ${line.event} at ${at(line.t)}, and had lost its power by ${at(effective.t)}`,
      );
  }
}
