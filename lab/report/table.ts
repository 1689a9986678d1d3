import type { RunSummary, ScenarioSummary } from './summary.ts';

const WIDTHS = [9, 7, 8, 9, 8];

/** The table at the end of a run, within 80 columns; one after the other where there were several storages. */
export function table({ scenarios, storages }: RunSummary): string {
  const nameWidth = Math.max(8, ...scenarios.map((scenario) => scenario.name.length));
  const line = ([name = '', ...cells]: readonly string[]) =>
    [name.padEnd(nameWidth), ...cells.map((cell, i) => cell.padStart(WIDTHS[i] ?? 0))].join(' ').trimEnd();
  const heads = ['verdict', 'appends', 'refusals', 'failover', 'bound'];
  const several = storages.length > 1;
  const tables = storages.map((storage) => {
    const rows = scenarios.filter((scenario) => scenario.storage === storage);
    const title = several ? `over ${storage}` : 'scenario';
    return [line([title, ...heads]), ...rows.map((scenario) => line(row(scenario)))].join('\n');
  });
  return tables.join('\n\n');
}

function row(scenario: ScenarioSummary): string[] {
  const failover = scenario.failovers.map((f) => `${Math.round(f.faultToServingMs)} ms`).join(' ');
  const bound = scenario.failovers.map((f) => (f.boundMs === null ? '?' : Math.round(f.boundMs))).join(' ');
  const verdict = scenario.asExpected ? scenario.verdict : `${scenario.verdict}!`;
  const counters = scenario.counters;
  return [
    scenario.name,
    verdict,
    String(counters['acknowledged'] ?? 0),
    String(counters['refusals'] ?? 0),
    failover === '' ? '-' : failover,
    bound === '' ? '' : `of ${bound}`,
  ];
}
