import assert from 'node:assert/strict';
import { servedInOrder } from './served-in-order.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

const said = (story: Story) => {
  const { verdict, evidence } = servedInOrder(story.history());
  return [verdict, evidence[0]];
};
type Outcome = 'obtaining' | 'granted' | 'verified' | 'lost' | 'refused';
const access = (story: Story, at: number, outcome: Outcome, epoch = 3) =>
  story.journal(at, 'server-2', { event: 'access', epoch, outcome });
/** server-2 asks again at 9 s, is let in at 9.001 s, and tells so at 9.01 s. */
const again = () =>
  access(access(goodTakeover(), 9, 'obtaining').admits(9.001, 'server-2', 3), 9.01, 'granted');
const starts = (story: Story, at = 9.05, epoch = 3) => story.service(at, 'server-2', epoch, 'starting');

describe('served-in-order', () => {
  it('is valid when each service was started after its owner was let in, and had read the record again', () => {
    assert.deepEqual(said(goodTakeover()), [
      'valid',
      '2 services, each started when its owner had been let in and verified',
    ]);
    const story = access(again().lease(9.03, 'server-2', 3, 0.015), 9.02, 'verified');
    assert.equal(said(starts(story))[0], 'valid');
  });

  it('is violated by a service that was started before its owner had verified that epoch', () => {
    const sentence =
      'server-2 started its service under epoch 3 at +9.050 s without having verified that epoch';
    assert.deepEqual(said(starts(again())), ['violated', sentence]);
    assert.equal(said(starts(goodTakeover(), 9.05, 5))[0], 'violated');
    assert.equal(said(starts(access(goodTakeover(), 9, 'lost')))[0], 'violated', 'lost since');
    assert.equal(said(starts(access(goodTakeover(), 9, 'refused')))[0], 'violated', 'refused since');
    assert.equal(
      said(starts(goodTakeover().agentStarts(9, 'server-2')))[0],
      'violated',
      'by the agent before',
    );
  });

  it('is violated by a verification without having been let in, or by a read from before', () => {
    const early = access(access(goodTakeover(), 9, 'obtaining'), 9.02, 'verified');
    assert.equal(said(early)[1], 'server-2 verified epoch 3 at +9.020 s without having been let in');
    const old = access(again().lease(9.03, 'server-2', 3, 0.025), 9.02, 'verified');
    assert.match(
      said(old)[1]!,
      /^server-2 was let in under epoch 3 at \+9\.010 s and verified it at \+9\.020 s by a read from \+9\.005 s/,
    );
    const lost = {
      event: 'heartbeat-failed',
      epoch: 3,
      phase: 'write',
      outcome: 'unknown',
      reason: '',
    } as const;
    const failed = access(again(), 9.02, 'verified').journal(9.03, 'server-2', lost);
    assert.equal(said(failed)[0], 'valid', 'a heartbeat that failed says nothing of its read');
  });

  it('does not believe a server that says it was let in when the gate did not let it in', () => {
    const story = access(access(goodTakeover(), 9, 'obtaining').admits(8.9, 'server-2', 3), 9.01, 'granted');
    assert.deepEqual(said(story), [
      'unknown',
      'server-2 says it was let in under epoch 3 by +9.010 s, and the storage node did not let it in then',
    ]);
  });

  it('is violated by a write from before the service was started, and misses the service of one that writes', () => {
    const early = goodTakeover().writes(7.804, 'server-2', 3, { offset: 9 * 512 });
    assert.match(
      said(early)[1]!,
      /^server-2 wrote under epoch 3 from \+7\.803 s on, before its service was started at \+7\.805 s$/,
    );
    const nobody = goodTakeover().writes(9, 'server-2', 5);
    assert.deepEqual(said(nobody), [
      'unknown',
      'server-2 wrote under epoch 5 from +8.999 s on, and its journal does not tell of a service under it',
    ]);
  });

  it('holds it against nobody when the clocks do not agree', () => {
    const early = goodTakeover().writes(7.804, 'server-2', 3).observes(6, 6.1, 'server-1');
    assert.equal(said(early)[0], 'unknown');
    assert.match(said(early)[1]!, /; but the clocks may not agree: server-1 tells observed at \+6\.000 s/);
  });

  it('asks of the literal protocol only that it was let in', () => {
    const served = (outcome: Outcome) => {
      const story = new Story({ protocol: 'literal', fencing: false });
      return starts(access(story, 3, outcome, 0), 3.1, 0).finish(5, 'server-2', 0);
    };
    assert.equal(said(served('granted'))[0], 'valid');
    assert.match(said(served('obtaining'))[1]!, /without having been let in$/);
  });

  it('is unknown when no service was started', () => {
    assert.equal(said(new Story().finish(5, 'server-1', 2))[0], 'unknown');
  });
});
