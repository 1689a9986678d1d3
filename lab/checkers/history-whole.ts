import type { Checker, History } from '../history/events.ts';
import { Findings } from './findings.ts';

/** A history with lines that could not be read, or that were never written, is never valid. */
export const historyWhole: Checker = (history) => {
  const findings = new Findings(
    'history-whole',
    'the history is whole: every file is there, and every line can be read',
  );
  for (const sentence of history.unreadable) findings.unknown(sentence);
  for (const [server, lines] of history.journals) {
    for (const line of lines) {
      if (line.event === 'journal-dropped')
        findings.unknown(`${server} could not write ${line.lines} lines of its journal`);
    }
    if (lines.length === 0) findings.unknown(`the journal of ${server} is empty`);
  }
  judgeClient(findings, history);
  if (!history.lab.some((event) => event.event === 'lab-ended'))
    findings.unknown('the run did not end properly: no lab-ended');
  let lines = history.lab.length + history.client.length + history.audit.length;
  for (const journal of history.journals.values()) lines += journal.length;
  if (lines > 0)
    findings.holds(`${lines} lines read; ${history.torn.length} cut short by the death of their writer`);
  findings.count({ tornLines: history.torn.length });
  return findings.result('there is no line in it');
};

/** The client counts its operations, and every one that it began it brings to an end, be it an unknown one. */
function judgeClient(findings: Findings, { client }: History): void {
  const began = new Set<string>();
  let ends = 0;
  for (const event of client) {
    if (event.event === 'begin') began.add(event.id);
    if (event.event !== 'end') continue;
    ends += 1;
    if (!began.delete(event.id))
      findings.unknown(`the client ended append ${event.id} without having begun it`);
  }
  const [first] = began;
  if (first !== undefined)
    findings.unknown(`the client began ${began.size} appends that it never ended, the first ${first}`);
  const stopped = client.findLast((event) => event.event === 'client-stopped');
  if (stopped === undefined) findings.unknown('the client did not end properly: no client-stopped');
  else if (stopped.operations !== ends)
    findings.unknown(
      `the client counted ${stopped.operations} operations, and its history has the ends of ${ends}`,
    );
}
