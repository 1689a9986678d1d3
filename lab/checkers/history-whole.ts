import type { Checker } from '../history/events.ts';
import { Findings } from './findings.ts';

/** A history with lines that could not be read, or that were never written, is never valid. */
export const historyWhole: Checker = (history) => {
  const findings = new Findings(
    'history-whole',
    'the history is whole: every file is there and every line can be read',
  );
  for (const sentence of history.unreadable) findings.unknown(sentence);
  for (const [server, lines] of history.journals) {
    for (const line of lines) {
      if (line.event === 'journal-dropped')
        findings.unknown(`${server} could not write ${line.lines} lines of its journal`);
    }
    if (lines.length === 0) findings.unknown(`the journal of ${server} is empty`);
  }
  if (!history.lab.some((event) => event.event === 'lab-ended'))
    findings.unknown('the run did not end properly: no lab-ended');
  let lines = history.lab.length + history.client.length + history.audit.length;
  for (const journal of history.journals.values()) lines += journal.length;
  if (lines > 0)
    findings.holds(`${lines} lines read; ${history.torn.length} cut short by the death of their writer`);
  findings.count({ tornLines: history.torn.length });
  return findings.result('there is no line in it');
};
