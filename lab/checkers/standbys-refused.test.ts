import assert from 'node:assert/strict';
import { standbysRefused } from './standbys-refused.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

describe('standbys-refused', () => {
  it('is valid when each owner was let in after its grant was drained', () => {
    const result = standbysRefused(goodTakeover().history());
    assert.equal(result.verdict, 'valid');
    assert.deepEqual(result.evidence, [
      '2 admissions, each of the owner in the record; 1 attempts of others refused',
    ]);
  });

  it('is violated when a former owner is let in again', () => {
    const result = standbysRefused(goodTakeover().admits(9.5, 'server-1', 2).history());
    assert.equal(result.verdict, 'violated');
    assert.equal(
      result.evidence[0],
      "data@server-1.2.12000000 was let in at +9.500 s, while the grant was data@server-2.3.23000000's",
    );
  });

  it('is violated when somebody is let in before anything was granted', () => {
    const result = standbysRefused(new Story().admits(1, 'server-2', 9).history());
    assert.match(result.evidence[0]!, /was let in at \+1\.000 s, while the grant was nobody's$/);
  });

  it('is violated when the owner is let in before older owners are through', () => {
    const story = new Story()
      .recordShows(1, 'server-1', 2)
      .grants(1.1, 'server-1', 2)
      .admits(1.2, 'server-1', 2);
    const result = standbysRefused(story.history());
    assert.match(result.evidence[0]!, /before everything of older owners was seen to be through$/);
    assert.equal(result.verdict, 'violated');
  });

  it('is violated by a grant that goes back, and by one that the record never showed', () => {
    const back = standbysRefused(
      goodTakeover().recordShows(9, 'server-1', 2).grants(9.1, 'server-1', 2).history(),
    );
    assert.equal(back.evidence[0], 'epoch 2 was granted at +9.100 s, after epoch 3: grants only go up');
    const never = standbysRefused(goodTakeover().grants(9.1, 'server-1', 4).history());
    assert.equal(
      never.evidence[0],
      'epoch 4 was granted to server-1 at +9.100 s, and the record never showed it',
    );
  });

  it('is violated when a restarted gate has forgotten its grant', () => {
    const result = standbysRefused(goodTakeover().gateRestarts(9, 'server-1', 2).history());
    assert.match(
      result.evidence[0]!,
      /^the gate forgot its grant: it started at \+9\.000 s with epoch 2, after it had granted 3$/,
    );
  });

  it('is valid when a restarted gate remembers its grant and lets the same owner in again', () => {
    const story = goodTakeover().gateRestarts(9, 'server-2', 3).admits(9.1, 'server-2', 3);
    assert.equal(standbysRefused(story.history()).verdict, 'valid');
  });

  describe('of a gate that came back', () => {
    const granted = { node: 'server-1', epoch: 4, incarnation: '14000000' };
    const started = { event: 'gate-started', pid: 11, fencing: true, listen: '' } as const;
    const back = () => goodTakeover().gateRestarts(9, 'server-2', 3);
    const verdict = (story: Story) => standbysRefused(story.history()).verdict;

    it('allows a grant of what it found in the record and could not tell, once, when it was claimed', () => {
      const claimed = () => back().claims(8, 'server-1', 4).claims(8.1, 'server-2', 5);
      assert.equal(verdict(claimed().grants(9.1, 'server-1', 4)), 'valid');
      assert.equal(verdict(claimed().grants(9.1, 'server-1', 4).grants(9.2, 'server-2', 5)), 'violated');
      assert.equal(verdict(back().grants(9.1, 'server-1', 4)), 'unknown', 'nobody had claimed it');
    });

    it('is violated by a grant that it remembers and the record never showed', () => {
      const invented = () => goodTakeover().audit(9, { ...started, granted });
      assert.equal(verdict(invented()), 'violated');
      assert.equal(verdict(invented().recordShows(8.9, 'server-1', 4)), 'valid');
    });
  });

  it('holds the record against those who came when the gate refuses nobody', () => {
    const off = () => new Story({ fencing: false }).recordShows(1, 'server-1', 2).admits(1.1, 'server-1', 2);
    assert.equal(standbysRefused(off().history()).verdict, 'valid');
    const result = standbysRefused(off().admits(2, 'server-2', 3).history());
    assert.match(
      result.evidence[0]!,
      /while the record named server-1 with epoch 2 \(the gate's fencing is off\)$/,
    );
    assert.equal(result.verdict, 'violated');
  });

  it('takes for the owner whom the record shows: the right epoch, written, with status 1', () => {
    const off = () => new Story({ fencing: false }).recordShows(1, 'server-1', 2);
    assert.equal(
      standbysRefused(off().admits(1.1, 'server-1', 3).history()).verdict,
      'violated',
      'another epoch',
    );
    const where = {
      event: 'quorum-write',
      connection: 1,
      peer: '127.0.0.2',
      offset: 512,
      length: 512,
    } as const;
    const record = { status: 1, node: 'server-2', epoch: 3, count: 9 };
    const failed = off().audit(1.2, { ...where, beganAt: 0, outcome: 'EIO', record });
    assert.equal(
      standbysRefused(failed.admits(1.3, 'server-2', 3).history()).verdict,
      'violated',
      'not written',
    );
    const claim = off().audit(1.2, { ...where, beganAt: 0, outcome: 'ok', record: { ...record, status: 0 } });
    assert.equal(
      standbysRefused(claim.admits(1.3, 'server-2', 3).history()).verdict,
      'violated',
      'a claim only',
    );
    const owned = off().audit(1.2, { ...where, beganAt: 0, outcome: 'ok', record });
    assert.equal(standbysRefused(owned.admits(1.3, 'server-2', 3).history()).verdict, 'valid');
  });

  it('is unknown when nobody was let in', () => {
    assert.equal(standbysRefused(new Story().refuses(1, 'server-2', 3, 0).history()).verdict, 'unknown');
  });
});
