import assert from 'node:assert/strict';
import type { CheckResult, ScenarioRecord, Verdict } from '../history/events.ts';
import type { ScenarioOutcome } from '../run/session.ts';
import { junit } from './junit.ts';
import { cameOutAsExpected, summarize } from './summary.ts';
import { table } from './table.ts';
import { wrapped } from '../wrapped.ts';

function outcome(of: {
  expected?: Verdict;
  verdict: Verdict;
  violatedBy?: string[];
  found?: string[];
  trouble?: string;
  brokeOff?: string;
}): ScenarioOutcome {
  const record: ScenarioRecord = {
    ...{
      name: 'active-killed',
      file: 'active-killed.scenario.ts',
      engine: 'process',
      storage: 'nbd',
      seed: 7,
    },
    ...{ expected: of.expected ?? 'valid', violatedBy: of.violatedBy ?? [], atLeast: {} },
  };
  const results = (of.found ?? []).map((checker): CheckResult => ({
    checker,
    claim: 'c',
    verdict: 'violated',
    evidence: ['a "late" write <at> 2.5 s'],
    counters: {},
  }));
  const expected = of.expected ?? 'valid';
  const judgement: ScenarioOutcome['judgement'] = {
    verdict: of.verdict,
    differs: of.verdict === expected ? [] : [`came out ${of.verdict}`],
    asExpected: of.verdict === expected && (of.violatedBy ?? []).every((c) => of.found?.includes(c) === true),
    results,
    counters: {
      ...{ takeovers: 1, acknowledged: 123, refusedAppends: 0, unknownAppends: 0, writes: 130, grants: 2 },
      ...{ admissions: 4, refusals: 4, lateRefusals: 1 },
    },
    failovers: [
      {
        from: 'server-1',
        to: 'server-2',
        epoch: 7,
        faultToServingMs: 2804.4,
        clientGapMs: 2900,
        boundMs: 3310,
      },
    ],
  };
  const { trouble, brokeOff } = of;
  return { record, directory: '/run/active-killed', judgement, seconds: 6.44, trouble, brokeOff };
}

const run = { engine: { name: 'process' }, storages: ['nbd'] };

describe('a scenario came out as expected', () => {
  // prettier-ignore
  const rows: [ScenarioOutcome, boolean, string][] = [
    [outcome({ verdict: 'valid' }),                                                                                   true,  'plain'],
    [outcome({ verdict: 'violated', found: ['single-writer'] }),                                                      false, 'a violation nobody expected'],
    [outcome({ verdict: 'unknown' }),                                                                                 false, 'unknown is not green'],
    [outcome({ verdict: 'valid', trouble: 'docker went away' }),                                                      false, 'not run to its end'],
    [outcome({ verdict: 'valid', brokeOff: 'nobody took over' }),                                                     false, 'broken off'],
    [outcome({ expected: 'violated', verdict: 'violated', brokeOff: 'nobody took over' }),                            false, 'a canary broken off, whatever was found'],
    [outcome({ expected: 'violated', verdict: 'violated', violatedBy: ['single-writer'], found: ['single-writer'] }), true,  'a canary found out'],
    [outcome({ expected: 'violated', verdict: 'violated', violatedBy: ['single-writer'], found: ['recovered'] }),     false, 'found out, but not for what it did'],
    [outcome({ expected: 'violated', verdict: 'valid', violatedBy: ['single-writer'] }),                              false, 'a canary not found out'],
  ];
  for (const [given, right, why] of rows) {
    it(`${right ? 'yes' : 'no'}: ${why}`, () => assert.equal(cameOutAsExpected(given), right));
  }
});

describe('the summary of a run', () => {
  // prettier-ignore
  const rows: [ScenarioOutcome[], Verdict, string][] = [
    [[outcome({ verdict: 'valid' })],                                                              'valid',    'all as expected'],
    [[outcome({ verdict: 'unknown' }), outcome({ verdict: 'violated', found: ['single-writer'] })], 'violated', 'violated outranks unknown'],
    [[outcome({ verdict: 'valid' }), outcome({ verdict: 'unknown' })],                             'unknown',  'unknown outranks valid'],
    [[outcome({ expected: 'violated', verdict: 'valid' })],                                        'unknown',  'the checkers saw nothing'],
    [[],                                                                                           'unknown',  'nothing was run'],
  ];
  for (const [given, verdict, why] of rows) {
    it(`is ${verdict}: ${why}`, () => assert.equal(summarize('/run', given, run).verdict, verdict));
  }

  it('is a table of at most 80 columns', () => {
    const text = table(summarize('/run', [outcome({ verdict: 'valid' })], run));
    assert.equal(
      text,
      'scenario        verdict appends refusals  failover    bound\nactive-killed     valid     123        4   2804 ms  of 3310',
    );
    assert.ok(text.split('\n').every((line) => line.length <= 80));
  });

  it('tells what ran over several storages apart, in the table and in JUnit XML', () => {
    const over = (storage: string, verdict: Verdict) => {
      const given = outcome({ verdict });
      return { ...given, record: { ...given.record, storage } };
    };
    const both = { ...run, storages: ['nbd', 'nbdkit'] };
    const summary = summarize('/run', [over('nbd', 'valid'), over('nbdkit', 'unknown')], both);
    assert.deepEqual(
      table(summary)
        .split('\n')
        .map((line) => line.slice(0, 24)),
      [
        'over nbd        verdict ',
        'active-killed     valid ',
        '',
        'over nbdkit     verdict ',
        'active-killed  unknown! ',
      ],
    );
    const xml = junit(summary);
    assert.match(xml, /<testsuite name="arbiter-lab process nbd" tests="1" failures="0" errors="0"/);
    assert.match(xml, /<testsuite name="arbiter-lab process nbdkit" tests="1" failures="0" errors="1"/);
    assert.match(xml, /<testcase classname="process.nbdkit" name="active-killed"/);
  });

  it('is JUnit XML whose text cannot break out', () => {
    const xml = junit(summarize('/run', [outcome({ verdict: 'violated', found: ['single-writer'] })], run));
    assert.match(xml, /tests="1" failures="1" errors="0"/);
    assert.match(
      xml,
      /expected valid, came out violated: single-writer: a &#34;late&#34; write &#60;at&#62; 2.5 s/,
    );
  });
});

describe('a wrapped line', () => {
  it('breaks at spaces and indents what follows', () => {
    assert.equal(wrapped('one two three four', 9, '  '), 'one two\n  three\n  four');
  });
  it('keeps a word that is too long whole', () => {
    assert.equal(wrapped('abcdefghijkl', 5, ' '), 'abcdefghijkl');
    assert.equal(wrapped('an abcdefghijkl at the end', 5, ' '), 'an\n abcdefghijkl\n at\n the\n end');
  });
});
