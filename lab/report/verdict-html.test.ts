import assert from 'node:assert/strict';
import type { CheckResult, Verdict } from '../history/events.ts';
import { boundBar, claimsHtml, takeoversHtml, verdictInWords } from './verdict-html.ts';

const result = (checker: string, verdict: Verdict, evidence: string[] = [], atT?: number): CheckResult => ({
  ...{ checker, claim: `claim of ${checker}`, verdict, evidence, counters: {} },
  ...(atT === undefined ? {} : { atT }),
});

describe('a verdict in words', () => {
  const say = (expected: Verdict, verdict: Verdict, found: string[], trouble?: string) =>
    verdictInWords(
      { expected },
      {
        verdict,
        differs: found.includes('single-writer') ? [] : ['not found by single-writer'],
        asExpected: verdict === expected && (expected !== 'violated' || found.includes('single-writer')),
        results: found.map((checker) => result(checker, 'violated')),
      },
      trouble,
    );

  // prettier-ignore
  const rows: [expected: Verdict, verdict: Verdict, found: string[], says: RegExp][] = [
    ['valid',    'valid',    [],                /^Everything that was checked held/],
    ['valid',    'violated', ['single-active'], /^Something was seen that must not be \(single-active\)/],
    ['valid',    'unknown',  [],                /^Nothing can be said, and that is not green/],
    ['violated', 'violated', ['single-writer'], /^Violated, as it has to be: .* canary.*\(single-writer\)/],
    ['violated', 'violated', ['recovered'],     /canary and was not found out.*not found by single-writer/],
    ['violated', 'valid',    [],                /canary and was not found out.*single-writer/],
  ];
  for (const [expected, verdict, found, says] of rows)
    it(`${verdict} where ${expected} was expected: ${says.source}`, () =>
      assert.match(say(expected, verdict, found), says));

  it('says first of all that a scenario was not run to its end', () => {
    assert.match(
      say('valid', 'unknown', [], 'the engine went away'),
      /^It was not run to its end: the engine went away/,
    );
  });
});

describe('the claims of a report', () => {
  it('tell what is violated before what is unknown, with all evidence, and name what held', () => {
    const { markup } = claimsHtml(
      [
        result('a', 'valid', ['fine']),
        result('b', 'unknown', ['why']),
        result('c', 'violated', ['bad <b>', 'worse']),
      ],
      0,
    );
    const order = ['bad &#60;b&#62;', 'worse', 'why', 'fine'].map((text) => markup.indexOf(text));
    assert.deepEqual(
      [...order].sort((x, y) => x - y),
      order,
    );
    assert.ok(order[0]! > 0);
  });

  it('lead to the first violation and to every instant in the evidence', () => {
    const { markup } = claimsHtml(
      [result('c', 'violated', ['at +1.250 s and at -0.001 s'], 7_500_000_000)],
      5_000_000_000,
    );
    assert.match(markup, /data-at="2500000000"/);
    assert.match(markup, /data-at="1250000000"\s*>\s*\+1\.250 s/);
    assert.match(markup, /data-at="-1000000"/);
  });
});

describe('a takeover in a report', () => {
  const failover = {
    from: 'server-1',
    to: 'server-2',
    epoch: 3,
    faultToServingMs: 4000,
    clientGapMs: null,
    boundMs: 3000,
  };

  it('that took longer than its bound is drawn beyond it', () => {
    const { markup } = boundBar(failover)!;
    const [bar, mark] = ['class="bar" x="0" y="2" width="', 'class="mark" x="'].map((text) =>
      parseFloat(markup.slice(markup.indexOf(text) + text.length)),
    );
    assert.ok(bar! > mark!, markup);
    assert.match(markup, /133 % of the bound/);
  });

  it('has a row of its own, and no table is there without any', () => {
    assert.equal(takeoversHtml([]), null);
    assert.match(
      takeoversHtml([failover, { ...failover, boundMs: null }])!.markup,
      /4000 ms[^]*not measured/,
    );
    assert.match(
      takeoversHtml(Array.from({ length: 9 }, () => failover))!.markup,
      /<summary>9 takeovers, the slowest in 4000 ms/,
    );
  });
});
