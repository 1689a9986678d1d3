import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { plans } from './plans.fixture.ts';
import { weaknesses } from './weaknesses.fixture.ts';
import { run } from './world.fixture.ts';

/**
 * A model that finds nothing may be blind. Each weakening is found among the same plans, under all of which the
 * procedure as it is holds.
 */
describe('the model of reservations finds, W16,', () => {
  const some = fc.sample(plans, { seed: 16, numRuns: 400 });

  it('nothing in the procedure as it is', async () => {
    for (const plan of some) assert.deepEqual((await run(plan)).violations, []);
  });

  for (const [name, { manners, breaks }] of Object.entries(weaknesses)) {
    it(`a server that ${name}`, async () => {
      for (const plan of some) {
        const { violations } = await run({ ...plan, manners });
        if (violations.some((violation) => breaks.test(violation))) return;
      }
      assert.fail(`not found among ${some.length} plans`);
    });
  }
});
