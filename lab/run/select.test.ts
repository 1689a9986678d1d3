import assert from 'node:assert/strict';
import { UsageError } from '../errors.ts';
import { scenarioFiles, scenarioName, select, shard } from './select.ts';

describe('the choice of scenarios', () => {
  const files = ['/s/a.scenario.ts', '/s/b.scenario.ts', '/s/c.scenario.ts'];

  it('is all of them when none is named, and those named otherwise', () => {
    assert.deepEqual(select(files, []), files);
    assert.deepEqual(select(files, ['b', 'scenarios/a.scenario.ts']), [
      '/s/b.scenario.ts',
      '/s/a.scenario.ts',
    ]);
  });

  it('says which there are when one does not exist', () => {
    assert.throws(() => select(files, ['x']), new UsageError('no scenario is called x; there are: a, b, c'));
  });

  it('covers everything exactly once over all shards', () => {
    const all = ['1/2', '2/2'].flatMap((text) => shard(files, text));
    assert.deepEqual(all.sort(), files);
    for (const wrong of ['0/2', '3/2', 'x', '1/0']) assert.throws(() => shard(files, wrong), UsageError);
  });

  it('finds the scenarios of the project, canaries among them', async () => {
    const names = (await scenarioFiles()).map(scenarioName);
    assert.ok(names.includes('active-killed') && names.includes('canary-no-fence'), names.join());
  });
});
