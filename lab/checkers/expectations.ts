import type { Checker } from '../history/events.ts';
import { Findings } from './findings.ts';
import { instantsOf } from './instants.ts';
import { hostStalled } from './stalls.ts';

/** What the scenario itself had to see, each with the verdict it gave for not seeing it; and nobody ended unasked, or in failure. */
export const expectations: Checker = (history) => {
  const findings = new Findings(
    'expectations',
    'the scenario saw what it had to see, and no program ended unasked',
  );
  const { at } = instantsOf(history);
  const startT = history.lab[0]?.t ?? 0;
  for (const event of history.lab) {
    if (event.event === 'process-ended' && !event.wanted) {
      const how = event.signal === null ? `exit code ${event.code}` : event.signal;
      findings.violated(
        `${event.server} ended at ${at(event.t)} with ${how}, and nobody had asked it to`,
        event.t,
      );
    }
    if (event.event !== 'expected') continue;
    const what = `${event.what} (${event.detail}, ${at(event.t)})`;
    if (event.met) {
      findings.holds(what);
      continue;
    }
    const excuse = hostStalled(history, startT, event.t);
    if (event.otherwise === 'unknown') findings.unknown(`not met: ${what}`);
    else if (excuse !== undefined) findings.unknown(`not met: ${what}; but ${excuse}`);
    else findings.violated(`not met: ${what}`, event.t);
  }
  for (const [server, lines] of history.journals) {
    for (const line of lines) {
      if (line.event === 'ended' && line.exitCode !== 0)
        findings.violated(
          `the agent of ${server} ended at ${at(line.t)} with exit code ${line.exitCode}: ${line.reason}`,
          line.t,
        );
    }
  }
  return findings.result('the scenario expected nothing by itself');
};
