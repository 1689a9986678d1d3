import assert from 'node:assert/strict';
import { faultsEffective } from './faults-effective.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

const headline = (story: Story) => {
  const { verdict, evidence } = faultsEffective(story.history());
  return [verdict, evidence[0]];
};
const requested = () => new Story().fault(2, 1, 'pause', 'server-1', 'requested');

describe('faults-effective', () => {
  it('is valid when each fault was seen to take effect and was healed, and says what was seen', () => {
    assert.deepEqual(headline(goodTakeover()), [
      'valid',
      'fault 1 (kill on server-1, asked for at +5.000 s): by hand',
    ]);
  });

  it('is valid when it was healed although the run did not end properly', () => {
    const story = requested()
      .fault(3, 1, 'pause', 'server-1', 'effective')
      .fault(4, 1, 'pause', 'server-1', 'healed');
    assert.equal(headline(story)[0], 'valid');
    assert.deepEqual(faultsEffective(story.history()).counters, { faults: 1 });
  });

  it('is valid when the end of the run healed it', () => {
    const story = requested().fault(3, 1, 'pause', 'server-1', 'effective').lab(9, { event: 'lab-ended' });
    assert.equal(headline(story)[0], 'valid');
  });

  it('is unknown when a fault was never seen to take effect', () => {
    assert.deepEqual(headline(requested().lab(9, { event: 'lab-ended' })), [
      'unknown',
      'fault 1 (pause on server-1, asked for at +2.000 s) was never seen to take effect',
    ]);
  });

  it('is unknown when a fault failed, or its healing did', () => {
    const story = requested().fault(3, 1, 'pause', 'server-1', 'effective');
    assert.match(
      headline(story.fault(4, 1, 'pause', 'server-1', 'failed', 'no such process'))[1]!,
      /failed: no such process$/,
    );
  });

  it('is unknown when it was neither healed nor ended by the run', () => {
    const story = requested().fault(3, 1, 'pause', 'server-1', 'effective');
    assert.match(headline(story)[1]!, /was not healed, and the run did not end properly$/);
  });

  it('is unknown when no fault was asked for', () => {
    assert.equal(headline(new Story())[0], 'unknown');
  });
});
