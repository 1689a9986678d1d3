import type { RunSummary, ScenarioSummary } from './summary.ts';

/**
 * JUnit XML, as CI systems read it: a suite for each storage, one test case a scenario; unknown is an error, an unexpected
 * verdict a failure.
 */
export function junit(summary: RunSummary): string {
  const suites = summary.storages.map((storage) => {
    const scenarios = summary.scenarios.filter((scenario) => scenario.storage === storage);
    return testSuite(`arbiter-lab ${summary.engine} ${storage}`, scenarios);
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites>', ...suites, '</testsuites>', ''].join(
    '\n',
  );
}

function testSuite(name: string, scenarios: readonly ScenarioSummary[]): string {
  const failures = scenarios.filter((s) => !s.asExpected && s.verdict !== 'unknown').length;
  const errors = scenarios.filter((s) => !s.asExpected && s.verdict === 'unknown').length;
  const seconds = scenarios.reduce((sum, scenario) => sum + scenario.seconds, 0).toFixed(1);
  return [
    `  <testsuite name="${escape(name)}" tests="${scenarios.length}" failures="${failures}" errors="${errors}" time="${seconds}">`,
    ...scenarios.map((scenario) => testCase(scenario)),
    '  </testsuite>',
  ].join('\n');
}

function testCase(scenario: ScenarioSummary): string {
  const open = `    <testcase classname="${scenario.engine}.${scenario.storage}" name="${escape(scenario.name)}" time="${scenario.seconds}"`;
  if (scenario.asExpected) return `${open}/>`;
  const kind = scenario.verdict === 'unknown' ? 'error' : 'failure';
  const message = `expected ${scenario.expected}, came out ${scenario.verdict}: ${scenario.headline}`;
  return `${open}><${kind} message="${escape(message)}"/></testcase>`;
}

function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex -- XML 1.0 has no way to write these characters at all
  const printable = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '?');
  return printable.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
