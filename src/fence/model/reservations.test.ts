import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { plans } from './plans.fixture.ts';
import { run } from './world.fixture.ts';

describe('a unit that is taken by its reservation, whatever is late, lost or restarted,', () => {
  const seen = { letIn: 0, landed: 0, refusedWrites: 0, restarts: 0, rejoined: 0 };

  it('takes no write of an older epoch once a newer one was let in, and comes to its owner in the end', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const outcome = await run(plan);
        assert.deepEqual(outcome.violations, []);
        assert.deepEqual(outcome.rightful, { kind: 'granted' }, 'the owner in the record gets it back');
        for (const { kind } of outcome.former) assert.equal(kind, 'refused', 'a former one does not');
        for (const [what, count] of Object.entries(outcome.seen)) seen[what as keyof typeof seen] += count;
      }),
      { numRuns: 400 },
    );
  });

  it('was seen to do so: enough happened', () => {
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 4, `${what}: ${count}`);
  });
});
