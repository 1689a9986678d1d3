import type { CheckResult, ScenarioRecord } from '../history/events.ts';
import type { Judgement } from './check-all.ts';
import { wrapped } from '../wrapped.ts';
import { inMs } from './instants.ts';

const WIDTH = 80;

/**
 * A judgement in words, for a terminal of 80 columns: the verdict, then what was violated or stayed unknown with all
 * of its evidence, then what holds in one line each. `trouble`: what kept the scenario from being run to its end. No
 * colours, no trailing newline.
 */
export function explain(
  scenario: Pick<ScenarioRecord, 'name' | 'expected'>,
  judgement: Judgement,
  trouble?: string,
): string {
  const { results } = judgement;
  const blocks = [folded(headline(scenario, judgement))];
  if (trouble !== undefined) blocks.push(folded(`unknown   it was not run to its end: ${trouble}`));
  for (const verdict of ['violated', 'unknown'] as const) {
    for (const result of results) if (result.verdict === verdict) blocks.push('', ...inFull(result));
  }
  const rest: string[] = [];
  for (const result of results) {
    if (result.verdict === 'valid') rest.push(folded(`valid     ${result.checker}: ${result.evidence[0]}`));
  }
  for (const f of judgement.failovers) {
    const gap = f.clientGapMs === null ? '' : `; the client saw a gap of ${inMs(f.clientGapMs)}`;
    rest.push(
      folded(`takeover  from ${f.from} to ${f.to} (epoch ${f.epoch}) in ${inMs(f.faultToServingMs)}${gap}`),
    );
  }
  return [...blocks, ...(rest.length > 0 ? ['', ...rest] : [])].join('\n');
}

function headline(
  scenario: Pick<ScenarioRecord, 'name' | 'expected'>,
  { verdict, asExpected, differs }: Judgement,
): string {
  const start = `${scenario.name}: ${verdict}`;
  if (asExpected) return scenario.expected === 'valid' ? start : `${start}, as it has to be`;
  const why = scenario.expected === 'violated' ? `; ${differs.join('; ')}` : '';
  return `${start}, expected ${scenario.expected}${why}`;
}

function inFull({ verdict, checker, claim, evidence }: CheckResult): string[] {
  const sentences = evidence.map((sentence) => wrapped(`          - ${sentence}`, WIDTH, ' '.repeat(12)));
  return [folded(`${verdict.padEnd(9)} ${checker}: ${claim}`), ...sentences];
}

function folded(text: string): string {
  return wrapped(text, WIDTH, ' '.repeat(10));
}
