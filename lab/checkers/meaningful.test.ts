import assert from 'node:assert/strict';
import { countHistory } from './counters.ts';
import { meaningful } from './meaningful.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

describe('meaningful', () => {
  it('is valid when at least as much happened as the scenario says', () => {
    const result = meaningful(goodTakeover().history());
    assert.equal(result.verdict, 'valid');
    assert.deepEqual(result.evidence, [
      '1 takeovers of at least 1',
      '5 acknowledged of at least 4',
      '1 late refusals of at least 1',
    ]);
  });

  it('is unknown, and says what was missing, when less happened', () => {
    const story = goodTakeover({ scenario: { atLeast: { takeovers: 2, acknowledged: 4 } } });
    const { verdict, evidence } = meaningful(story.history());
    assert.deepEqual([verdict, evidence[0]], ['unknown', 'vacuous: 1 takeovers, and there had to be 2']);
  });

  it('is unknown when the scenario does not say what has to happen', () => {
    assert.equal(meaningful(new Story({ scenario: { atLeast: {} } }).history()).verdict, 'unknown');
  });
});

describe('the counters', () => {
  it('count what happened', () => {
    const story = goodTakeover()
      .begins(9.5, 'u')
      .ends(9.6, 'u', 'unknown')
      .begins(9.6, 'r')
      .ends(9.7, 'r', 'refused');
    assert.deepEqual(countHistory(story.history()), {
      takeovers: 1,
      acknowledged: 5,
      refusedAppends: 1,
      unknownAppends: 1,
      writes: 7,
      grants: 2,
      admissions: 2,
      refusals: 1,
      lateRefusals: 1,
    });
  });

  it('do not take an owner that came too early for one that was refused', () => {
    const early = new Story().refuses(0.9, 'server-1', 2, 0).letIn(1, 'server-1', 2);
    assert.equal(countHistory(early.history()).refusals, 0);
    const never = new Story().refuses(0.9, 'server-2', 9, 0).letIn(1, 'server-1', 2);
    assert.deepEqual(
      [countHistory(never.history()).refusals, countHistory(never.history()).lateRefusals],
      [1, 0],
    );
  });
});
