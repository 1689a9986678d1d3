import assert from 'node:assert/strict';
import { singleActive } from './single-active.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

describe('single-active', () => {
  it('is valid when the next server becomes active after the lease of the last one', () => {
    const result = singleActive(goodTakeover().history());
    assert.deepEqual([result.verdict, result.evidence], ['valid', ['2 active stretches of 2 servers']]);
  });

  it('is violated when a server becomes active within the lease of another', () => {
    const story = new Story().active(1, 'server-1', 2, 4, false).active(5, 'server-2', 3, 8);
    const result = singleActive(story.history());
    assert.equal(result.verdict, 'violated');
    assert.equal(
      result.evidence[0],
      'server-2 (epoch 3) was active from +5.000 s while server-1 (epoch 2) had been since +1.000 s: ' +
        'both until +5.496 s, 496 ms',
    );
  });

  it('is violated under the literal protocol, which has no lease, by two roles at once', () => {
    const role = {
      event: 'role',
      from: 'settling',
      to: 'active',
      epoch: 0,
      rule: 'S2',
      reason: 'won',
    } as const;
    const story = new Story({ protocol: 'literal' })
      .journal(1, 'server-1', role)
      .journal(1.5, 'server-2', role);
    story.lab(9, { event: 'lab-ended' });
    assert.match(singleActive(story.history()).evidence[0]!, /both until \+9\.000 s, 7500 ms$/);
  });

  it('is unknown when nobody ever was active', () => {
    assert.equal(singleActive(new Story().history()).verdict, 'unknown');
  });
});
