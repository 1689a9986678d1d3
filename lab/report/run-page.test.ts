import assert from 'node:assert/strict';
import { runPage } from './run-page.ts';
import type { ScenarioSummary } from './summary.ts';

const scenario = (of: Partial<ScenarioSummary>): ScenarioSummary => ({
  ...{
    name: 'active-killed',
    engine: 'process',
    storage: 'nbd',
    seed: 7,
    expected: 'valid',
    verdict: 'valid',
  },
  ...{ asExpected: true, trouble: null, seconds: 6.4, headline: '', counters: { acknowledged: 123 } },
  ...{ failovers: [], directory: '/runs/1/active-killed' },
  ...of,
});
const page = (scenarios: ScenarioSummary[]) =>
  runPage({
    version: 2,
    directory: '/runs/1',
    engine: 'process',
    storages: ['nbd'],
    verdict: 'valid',
    scenarios,
  });

describe('the report of a run', () => {
  it('leads to the report of every scenario by a path that a copied folder keeps', async () => {
    const html = await page([scenario({}), scenario({ directory: '/runs/1/round-2/a "b"' })]);
    assert.match(html, /href="active-killed\/report\.html"/);
    assert.match(html, /href="round-2\/a%20%22b%22\/report\.html"/);
    assert.doesNotMatch(html, /\/runs\/1/);
  });

  it('shows first what did not come out as expected, why, and how to run it again', async () => {
    const wrong = scenario({
      name: 'active-frozen',
      verdict: 'violated',
      asExpected: false,
      headline: 'single-writer: <late>',
    });
    const html = await page([scenario({}), wrong]);
    assert.match(html, /1 of 2 scenarios came out as expected/);
    assert.match(html, /bin\/lab run active-frozen --engine process --storage nbd --seed 7</);
    assert.ok(html.indexOf('single-writer: &#60;late&#62;') < html.indexOf('id="scenarios-title"'));
  });

  it('runs again over every storage that something went wrong on, and names it', async () => {
    const over = (storage: string) =>
      scenario({ asExpected: false, storage, directory: `/runs/1/storage-${storage}/active-killed` });
    const html = await page([over('nbd'), over('nbdkit')]);
    assert.match(html, /--engine process --storage nbd --storage nbdkit --seed 7</);
    assert.match(html, />active-killed \(storage nbdkit\)</);
  });

  it('sums up the rounds of a run that was repeated', async () => {
    const took = (ms: number) => [
      { from: 'a', to: 'b', epoch: 1, faultToServingMs: ms, clientGapMs: null, boundMs: 3000 },
    ];
    const rounds = [2100, 2300, 2500].map((ms, n) =>
      scenario({ directory: `/runs/1/round-${n + 1}/active-killed`, failovers: took(ms) }),
    );
    const html = await page(rounds);
    assert.match(html, /3 of 3[^]*2100 ms[^]*2300 ms[^]*2500 ms/);
    assert.match(html, /active-killed \(round 2\)/);
    assert.doesNotMatch(await page([scenario({})]), /id="rounds-title"/);
  });

  it('needs no script and may load nothing', async () => {
    const html = await page([scenario({})]);
    for (const said of ['default-src &#39;none&#39;', 'script-src &#39;none&#39;'])
      assert.ok(html.includes(said), said);
    assert.doesNotMatch(html, /<script/);
  });
});
