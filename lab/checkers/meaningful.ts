import type { Checker } from '../history/events.ts';
import { countHistory } from './counters.ts';
import { Findings } from './findings.ts';

/** A run in which nothing happened proves nothing: what the scenario says must have happened is counted. */
export const meaningful: Checker = (history) => {
  const findings = new Findings('meaningful', 'enough happened for the other verdicts to mean something');
  const counters = countHistory(history);
  const { takeovers, acknowledged, refusals, lateRefusals } = counters;
  const seen = { takeovers, acknowledged, refusals, lateRefusals };
  for (const [what, least] of Object.entries(history.scenario.atLeast)) {
    const count = seen[what as keyof typeof seen] as number | undefined;
    if (count === undefined) findings.unknown(`the scenario asks for ${what}, which nobody counts`);
    else if (count < least)
      findings.unknown(`vacuous: ${count} ${inWords(what)}, and there had to be ${least}`);
    else findings.holds(`${count} ${inWords(what)} of at least ${least}`);
  }
  findings.count({ ...counters });
  return findings.result('the scenario does not say what has to happen');
};

function inWords(what: string): string {
  return what === 'lateRefusals' ? 'late refusals' : what;
}
