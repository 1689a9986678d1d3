import type { RunSummary, ScenarioSummary } from './summary.ts';

/** The table at the end of a run, within 80 columns. */
export function table(summary: RunSummary): string {
  const rows = summary.scenarios.map(row);
  const nameWidth = Math.max(8, ...summary.scenarios.map((scenario) => scenario.name.length));
  const line = (name: string, ...cells: string[]) =>
    [name.padEnd(nameWidth), ...cells.map((cell, i) => cell.padStart(widths[i] ?? 0))].join(' ').trimEnd();
  const widths = [9, 7, 8, 9, 8];
  return [
    line('scenario', 'verdict', 'appends', 'refusals', 'failover', 'bound'),
    ...rows.map(([name, ...cells]) => line(name!, ...cells)),
  ].join('\n');
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
