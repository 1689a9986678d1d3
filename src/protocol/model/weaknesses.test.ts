import assert from 'node:assert/strict';
import { safeMachine } from './machine.fixture.ts';
import { weakClaims } from './weak-claims.fixture.ts';
import { weakLeases } from './weak-leases.fixture.ts';
import { run } from './world.fixture.ts';

/**
 * A checker that finds nothing may be blind. Each weakening is found within a bounded number of fixed seeds, and under
 * the very same plans the rules as they are hold.
 */
describe('the model finds', () => {
  for (const { name, machine, plan, seeds, breaks } of [...weakClaims, ...weakLeases]) {
    it(`${name}, by ${breaks}, and nothing in the rules as they are`, () => {
      let found = false;
      for (let seed = 1; seed <= seeds; seed += 1) {
        assert.deepEqual(run(plan(seed, safeMachine())).violations, [], `the rules, seed ${seed}`);
        found ||= run(plan(seed, machine)).violations.some((violation) => violation.startsWith(breaks));
      }
      assert.ok(found, `not found with seeds 1 to ${seeds}`);
    });
  }
});
