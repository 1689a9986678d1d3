import assert from 'node:assert/strict';
import { countScenarios } from './count-scenarios.ts';

const summary = (...asExpected: boolean[]) =>
  JSON.stringify({ scenarios: asExpected.map((each) => ({ asExpected: each })) });

describe('the scenarios of a test run', () => {
  it('are counted as the lab counted them', () => {
    assert.deepEqual(countScenarios(0, summary(true, true)), { passed: 2, failed: 0, skipped: 0 });
    assert.deepEqual(countScenarios(1, summary(true, false)), { passed: 1, failed: 1, skipped: 0 });
  });

  it('have a failure when the lab ended badly, whatever its summary says', () => {
    for (const exitCode of [1, 2, 3, 130])
      assert.deepEqual(countScenarios(exitCode, summary(true)), { passed: 1, failed: 1, skipped: 0 });
  });

  it('have a failure when none was run, or nothing can be read', () => {
    for (const json of [summary(), '', '{}', '{"scenarios": 3}', 'null', 'engine: process'])
      assert.equal(countScenarios(0, json).failed, 1, json);
  });

  it('have a failure when one came out otherwise, also with exit code 0', () => {
    assert.deepEqual(countScenarios(0, summary(true, false)), { passed: 1, failed: 1, skipped: 0 });
  });
});
