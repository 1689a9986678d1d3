import assert from 'node:assert/strict';
import { acknowledgedKept } from './acknowledged-kept.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { Story } from './testing/story.ts';

const headline = (story: Story) => {
  const { verdict, evidence } = acknowledgedKept(story.history());
  return [verdict, evidence[0]];
};

/** One owner, two appends, nothing wrong; the log is open, append, append. */
const twoAppends = () =>
  new Story().letIn(1, 'server-1', 2).append(2, 'server-1', 2, 'a').append(3, 'server-1', 2, 'b');

describe('acknowledged-kept', () => {
  it('is valid when every acknowledged append is there once, across a takeover', () => {
    const [verdict, evidence] = headline(goodTakeover());
    assert.equal(verdict, 'valid');
    assert.equal(evidence, '5 acknowledged appends and 0 of unknown outcome, in a log of 7 records');
  });

  it('is violated by an acknowledged append that the log does not have', () => {
    const story = twoAppends().erases(2).finish(4, 'server-1', 2);
    assert.deepEqual(headline(story), [
      'violated',
      'append b was acknowledged by server-1 at +3.020 s as seq 2, and the log does not have it: ' +
        'it ends at sector 2 (byte 1024), which is empty',
    ]);
  });

  it('is violated by a torn record that hides the acknowledged ones behind it', () => {
    const story = twoAppends().erases(1, 256).finish(4, 'server-1', 2);
    const result = acknowledgedKept(story.history());
    assert.equal(result.verdict, 'violated');
    assert.match(
      result.evidence[0]!,
      /^append a .* it ends at sector 1 \(byte 512\): its checksum does not match$/,
    );
    assert.ok(
      result.evidence.some((s) =>
        s.endsWith('and a record stands behind that, the first with seq 2 and epoch 2'),
      ),
    );
  });

  it('is valid with a torn record at the very end that nobody acknowledged', () => {
    const story = twoAppends()
      .stands({ kind: 'beat', id: '', epoch: 2, node: 'server-1', seq: 3 })
      .erases(3, 100);
    assert.equal(headline(story.finish(4, 'server-1', 2))[0], 'valid');
  });

  it('is violated by an append that stands in the log twice', () => {
    const story = twoAppends().logs(3.5, 'server-1', 2, 'append', 'a').finish(4, 'server-1', 2);
    assert.deepEqual(headline(story), ['violated', 'append a stands in the log 2 times, as seq 1 and 3']);
  });

  it('is violated by a sequence number other than the acknowledged one', () => {
    const story = new Story().letIn(1, 'server-1', 2).begins(2, 'a').logs(2.1, 'server-1', 2, 'append', 'a');
    story.acknowledges(2.2, 'a', 'server-1', 2, 5).finish(4, 'server-1', 2);
    assert.match(
      headline(story)[1]!,
      /acknowledged by server-1 at \+2\.200 s as seq 5, and stands in the log as seq 1$/,
    );
  });

  it('is violated by a refused append that was done all the same', () => {
    const story = twoAppends()
      .begins(3.5, 'c')
      .logs(3.6, 'server-1', 2, 'append', 'c')
      .ends(3.7, 'c', 'refused');
    assert.deepEqual(headline(story.finish(4, 'server-1', 2)), [
      'violated',
      'append c was refused at +3.700 s, and stands in the log as seq 3',
    ]);
  });

  it('leaves open whether an append of unknown outcome was done', () => {
    const done = twoAppends()
      .begins(3.5, 'c')
      .logs(3.6, 'server-1', 2, 'append', 'c')
      .ends(3.7, 'c', 'unknown');
    assert.equal(headline(done.finish(4, 'server-1', 2))[0], 'valid');
    const notDone = twoAppends().begins(3.5, 'c').ends(3.7, 'c', 'unknown').begins(3.8, 'never ended');
    assert.equal(headline(notDone.finish(4, 'server-1', 2))[0], 'valid');
  });

  it('is violated by an append that stands before one acknowledged before it began', () => {
    const story = new Story().letIn(1, 'server-1', 2).logs(2.1, 'server-1', 2, 'append', 'second');
    story
      .begins(2, 'first')
      .logs(2.15, 'server-1', 2, 'append', 'first')
      .acknowledges(2.2, 'first', 'server-1', 2, 2);
    story.begins(2.4, 'second').acknowledges(2.6, 'second', 'server-1', 2, 1).finish(4, 'server-1', 2);
    assert.deepEqual(headline(story), [
      'violated',
      'append second (seq 1) began at +2.400 s, after first had been acknowledged at +2.200 s as seq 2, ' +
        'and yet stands before it',
    ]);
  });

  it('lets appends stand in any order that were under way at once', () => {
    const story = new Story().letIn(1, 'server-1', 2).logs(2.1, 'server-1', 2, 'append', 'second');
    story
      .begins(2, 'first')
      .logs(2.15, 'server-1', 2, 'append', 'first')
      .acknowledges(2.2, 'first', 'server-1', 2, 2);
    story.begins(2.05, 'second').acknowledges(2.6, 'second', 'server-1', 2, 1).finish(4, 'server-1', 2);
    assert.equal(headline(story)[0], 'valid');
  });

  it('is violated by a record of a former owner over one of a newer', () => {
    const story = goodTakeover().stands({ kind: 'beat', id: '', epoch: 2, node: 'server-1', seq: 6 });
    assert.match(
      acknowledgedKept(story.history()).evidence[1]!,
      /^it ends at sector 6 \(byte 3072\), where the beat record of server-1 with epoch 2 and seq 6 stands/,
    );
  });

  it('is violated by a record in a sector that is not its own', () => {
    const story = twoAppends().stands({ kind: 'beat', id: '', epoch: 2, node: 'server-1', seq: 9 }, 3);
    assert.match(
      headline(story.finish(4, 'server-1', 2))[1]!,
      /^it ends at sector 3 \(byte 1536\), where the beat record of server-1 with epoch 2 and seq 9 stands/,
    );
  });

  it('holds an append against the highest one acknowledged before it, not against the latest', () => {
    const story = new Story().letIn(1, 'server-1', 2);
    for (const id of ['x', 'y', 'z']) story.begins(2, id).logs(2.1, 'server-1', 2, 'append', id);
    story.acknowledges(2.2, 'z', 'server-1', 2, 3).acknowledges(2.3, 'x', 'server-1', 2, 1);
    story.begins(2.35, 'w').acknowledges(2.4, 'y', 'server-1', 2, 2).acknowledges(2.5, 'w', 'server-1', 2, 2);
    const sentences = acknowledgedKept(story.finish(4, 'server-1', 2).history()).evidence;
    assert.ok(
      sentences.some((s) =>
        s.startsWith('append w (seq 2) began at +2.350 s, after z had been acknowledged'),
      ),
    );
  });

  it('is violated by an append that nobody sent, unless the history of the client is not whole', () => {
    const stranger = () => twoAppends().logs(3.5, 'server-1', 2, 'append', 'stranger');
    const sentence = '1 appends stand in the log that no client sent, the first stranger';
    assert.deepEqual(headline(stranger().finish(4, 'server-1', 2)), ['violated', sentence]);
    assert.equal(
      headline(stranger().unreadable('client.jsonl:7 not JSON').finish(4, 'server-1', 2))[0],
      'unknown',
    );
  });

  it('is unknown without the data area, without the end of the client, and when nothing was acknowledged', () => {
    assert.deepEqual(headline(goodTakeover().noDataImage()), ['unknown', 'the data area was not collected']);
    assert.deepEqual(headline(twoAppends()), ['unknown', 'the history of the client is not whole']);
    const nothing = headline(new Story().letIn(1, 'server-1', 2).finish(4, 'server-1', 2));
    assert.deepEqual(nothing, ['unknown', 'nothing was checked: no append was acknowledged']);
  });
});
