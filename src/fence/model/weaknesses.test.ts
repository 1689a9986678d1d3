import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { plans } from './plans.fixture.ts';
import { weaknesses } from './weaknesses.fixture.ts';
import { run } from './world.fixture.ts';

/**
 * A model that finds nothing may be blind. Each weakening is found among the same plans; in the plan that finds it the
 * procedure as it is holds.
 */
describe('the model of reservations finds, W16,', function () {
  this.timeout(60_000);
  const some = fc.sample(plans, { seed: 16, numRuns: 2000 });

  for (const [name, { manners, breaks, world = {} }] of Object.entries(weaknesses)) {
    it(`a server that ${name}`, async () => {
      for (const each of some) {
        const plan = { ...each, ...world };
        const { violations } = await run({ ...plan, manners });
        if (!violations.some((violation) => breaks.test(violation))) continue;
        assert.deepEqual((await run(plan)).violations, [], 'the procedure as it is');
        return;
      }
      assert.fail(`not found among ${some.length} plans`);
    });
  }
});
