import assert from 'node:assert/strict';
import { deathWaited } from './death-waited.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { ns } from './testing/names.ts';
import { Story } from './testing/story.ts';

const said = (story: Story) => {
  const { verdict, evidence } = deathWaited(story.history());
  return [verdict, evidence[0]];
};
/** The record was written last from 4.999 s to 5 s. */
const owned = () => new Story().recordShows(5, 'server-1', 2).finish(20, 'server-1', 2);
const releases = (story: Story, at: number, beganAt = at) =>
  story.audit(at, {
    ...{ event: 'quorum-write', connection: 1, peer: '127.0.0.1', offset: 512, length: 512 },
    ...{ beganAt: ns(beganAt), outcome: 'ok', record: { status: 0, node: '', epoch: 2, count: 9 } },
  });

describe('death-waited', () => {
  it('is valid when the record had stood still for D before each claim', () => {
    assert.deepEqual(deathWaited(goodTakeover().history()).evidence, [
      '2 claims in time',
      'server-1 decided at +2.540 s to claim epoch 2 (R1), when the record had stood still for 2400 ms',
      'server-2 decided at +7.340 s to claim epoch 3 (R1), when the record had stood still for 2742 ms',
    ]);
  });

  it('is violated a moment before D, counted from the beginning of the last write that was finished by then', () => {
    assert.equal(said(owned().claims(6.999, 'server-2', 3))[0], 'valid');
    assert.deepEqual(said(owned().claims(6.99, 'server-2', 3)), [
      'violated',
      'server-2 decided at +6.990 s to claim epoch 3 (R1), when the record had stood still for 1991 ms only, 9.00 ms short of D',
    ]);
  });

  it('does not count a write that the deciding read may not have seen', () => {
    const during = owned().writesRecord(7.001, 'server-1', 2, 1, 0.5).claims(7, 'server-2', 3);
    assert.equal(said(during)[0], 'valid');
    assert.equal(
      said(owned().writesRecord(6.999, 'server-1', 2, 1, 0.5).claims(7, 'server-2', 3))[0],
      'violated',
    );
  });

  it('needs no D after a release that was written or being written', () => {
    assert.equal(said(releases(owned(), 5.5).claims(5.6, 'server-2', 3, 'R8'))[0], 'valid');
    assert.equal(said(releases(owned(), 5.7, 5.5).claims(5.6, 'server-2', 3, 'R8'))[0], 'valid');
    assert.deepEqual(said(releases(owned(), 5.7).claims(5.6, 'server-2', 3, 'R8')), [
      'violated',
      'server-2 decided at +5.600 s to claim epoch 3 (R8), and the record showed no release',
    ]);
    const over = releases(owned(), 5.5).recordShows(5.55, 'server-1', 2).claims(5.6, 'server-2', 3, 'R8');
    assert.equal(said(over)[0], 'violated', 'written over since');
    assert.equal(said(releases(owned(), 5.5).claims(5.6, 'server-2', 3, 'R1'))[0], 'violated', 'not by R1');
  });

  it('is unknown when nobody is known to have laid out the area, when clocks do not agree, and without a claim', () => {
    assert.match(said(owned().claims(0.1, 'server-2', 3))[1]!, /nobody had laid out the area$/);
    const shifted = goodTakeover().observes(6, 6.1, 'server-1').claims(6.5, 'server-2', 5);
    assert.equal(said(shifted)[0], 'unknown');
    assert.deepEqual(said(owned()), ['unknown', 'nothing was checked: nobody claimed']);
  });
});
