import assert from 'node:assert/strict';
import { recovered } from './recovered.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

const headline = (story: Story) => {
  const { verdict, evidence } = recovered(story.history());
  return [verdict, evidence[0]];
};

/** Everything is healed at 10 s and server-1 serves at `serving`. */
function healed(serving: number): Story {
  const story = new Story().lab(10, { event: 'healed' }).active(serving - 0.025, 'server-1', 2, serving + 2);
  return story.lab(serving, { event: 'serving-again', server: 'server-1', epoch: 2 });
}

describe('recovered', () => {
  it('is valid when one server served all the time', () => {
    assert.match(
      headline(goodTakeover())[1]!,
      /^server-2 \(epoch 3\) served 1\.00 ms after everything was healed at \+11\.000 s; bound/,
    );
    assert.equal(headline(goodTakeover())[0], 'valid');
  });

  it('is valid within the bound and violated past it', () => {
    assert.equal(headline(healed(13.1))[0], 'valid');
    const [verdict, evidence] = headline(healed(13.2));
    assert.equal(verdict, 'violated');
    assert.match(
      evidence!,
      /served 3200 ms after everything was healed at \+10\.000 s, 70\.5 ms too late; bound 3130 ms/,
    );
  });

  it('counts from the last healing to the first service after it', () => {
    const again = (story: Story, at: number) =>
      story.lab(at, { event: 'serving-again', server: 'server-1', epoch: 2 });
    const story = again(again(healed(13.2).lab(11, { event: 'healed' }), 10.5), 14.9);
    assert.match(
      headline(story)[1]!,
      /^server-1 \(epoch 2\) served 2200 ms after everything was healed at \+11\.000 s/,
    );
  });

  it('begins to count when the last server that was switched on has started', () => {
    const [verdict, evidence] = headline(healed(13.2).agentStarts(10.5, 'server-2'));
    assert.equal(verdict, 'valid');
    assert.match(evidence!, /served 2700 ms after the last server was switched on at \+10\.500 s/);
  });

  it('is violated when nobody served again, unless the host stalled or the run was too short', () => {
    const nobody = (end: number) =>
      new Story().active(1, 'server-1', 2, 3).lab(10, { event: 'healed' }).lab(end, { event: 'lab-ended' });
    assert.deepEqual(headline(nobody(20)), [
      'violated',
      'nobody served again within 10000 ms after everything was healed at +10.000 s',
    ]);
    assert.equal(headline(nobody(20).lab(15, { event: 'stall', gapMs: 300 }))[0], 'unknown');
    assert.match(headline(nobody(12))[1]!, /; but the run ended before the bound of 3110 ms had passed$/);
  });

  it('is unknown past the bound when the host stalled', () => {
    assert.equal(headline(healed(13.2).lab(12, { event: 'stall', gapMs: 300 }))[0], 'unknown');
  });

  it('is unknown when the journal does not show the server active that the lab saw serve', () => {
    const story = new Story().active(1, 'server-1', 2, 3).lab(10, { event: 'healed' });
    story.lab(10.1, { event: 'serving-again', server: 'server-1', epoch: 2 });
    assert.match(
      headline(story)[1]!,
      /^the lab saw server-1 serve at \+10\.100 s, and its journal does not show it active then$/,
    );
  });

  it('is unknown when the scenario never came to its healing', () => {
    assert.deepEqual(headline(new Story()), [
      'unknown',
      'nothing was checked: the scenario never came to say that everything is healed',
    ]);
  });
});
