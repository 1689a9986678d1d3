import assert from 'node:assert/strict';
import { singleWriter } from './single-writer.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { connectionOf, nameOf, ns } from './testing/names.ts';
import { Story } from './testing/story.ts';

describe('single-writer', () => {
  it('is valid when owners write one after the other', () => {
    const result = singleWriter(goodTakeover().history());
    assert.deepEqual([result.verdict, result.evidence], ['valid', ['7 writes by 2 owners in turn']]);
  });

  it('is violated by a write of an older epoch after a newer owner was let in, with instants, offset and names', () => {
    const story = goodTakeover().writes(8.2, 'server-1', 2, { offset: 2048 }).writes(8.3, 'server-1', 2);
    const result = singleWriter(story.history());
    assert.equal(result.verdict, 'violated');
    assert.equal(
      result.evidence[0],
      'server-1 wrote under epoch 2 after data@server-2.3.23000000 had been let in at +7.802 s: 2 writes, ' +
        'the first of 512 bytes at 2048 from +8.199 s to +8.200 s (398 ms late), outcome ok',
    );
    assert.equal(result.atT, 1_008.2e9);
  });

  it('names the newer owner that was let in first', () => {
    const story = goodTakeover().letIn(9.5, 'server-1', 4).writes(10, 'server-1', 2);
    assert.match(
      singleWriter(story.history()).evidence[0]!,
      /after data@server-2\.3\.23000000 had been let in/,
    );
  });

  it('is violated by a write that began before the newer owner was let in and ended after', () => {
    const story = goodTakeover().writes(7.9, 'server-1', 2, { lasts: 1 });
    assert.equal(singleWriter(story.history()).verdict, 'violated');
  });

  it('is valid when such a write ended before', () => {
    const story = goodTakeover().writes(7.8, 'server-1', 2, { lasts: 1 });
    assert.equal(singleWriter(story.history()).verdict, 'valid');
  });

  it('is violated by two names that write in turns under the same epoch', () => {
    const story = new Story({ protocol: 'literal', fencing: false })
      .letIn(1, 'server-1', 0)
      .letIn(2, 'server-2', 0);
    story.writes(3, 'server-1', 0).writes(3.1, 'server-2', 0);
    assert.match(
      singleWriter(story.history()).evidence[0]!,
      /^server-1 wrote under epoch 0 after data@server-2\.0\./,
    );
  });

  it('is valid when a name under the same epoch came back after the other one had been', () => {
    const story = new Story({ protocol: 'literal', fencing: false })
      .letIn(1, 'server-1', 0)
      .letIn(2, 'server-2', 0);
    story.admits(3, 'server-1', 0).writes(4, 'server-1', 0);
    assert.equal(singleWriter(story.history()).verdict, 'valid');
  });

  it('takes a connection number for another one after the gate was restarted', () => {
    const admitted = { event: 'admitted', connection: 1, peer: '127.0.0.1', node: 'server-1' } as const;
    const story = goodTakeover();
    story.audit(8.1, {
      ...admitted,
      export: 'data@server-2.3.23000000',
      node: 'server-2',
      epoch: 3,
      incarnation: '23000000',
    });
    story.gateRestarts(8.2, 'server-2', 3);
    const write = {
      event: 'write',
      connection: 1,
      peer: '127.0.0.1',
      export: 'data@server-1.2.12000000',
    } as const;
    const more = {
      node: 'server-1',
      epoch: 2,
      incarnation: '12000000',
      offset: 0,
      length: 512,
      outcome: 'ok',
      fua: true,
    };
    story.audit(8.3, { ...write, ...more, beganAt: 1_008.29e9 });
    assert.equal(singleWriter(story.history()).verdict, 'violated');
  });

  it('is violated by a write on a connection that was not let in, or under another name', () => {
    const result = singleWriter(goodTakeover().writes(3.6, 'server-3', 4).history());
    assert.deepEqual(
      [result.verdict, result.evidence[0]],
      [
        'violated',
        'server-3 wrote under epoch 4 as data@server-3.4.34000000 on connection 403, which was never let in under ' +
          'that name: 1 write, the first at +3.600 s',
      ],
    );
    const other = new Story().admits(1, 'server-1', 2).audit(2, {
      ...{ event: 'write', ...nameOf('server-2', 2), ...connectionOf('server-1', 2), offset: 0, length: 512 },
      ...{ beganAt: ns(1.9), outcome: 'ok', fua: true },
    });
    assert.equal(singleWriter(other.history()).verdict, 'violated');
  });

  it('is unknown when a late write failed: it may have changed something all the same', () => {
    const story = goodTakeover().writes(8.2, 'server-1', 2, { outcome: 'EIO' });
    assert.equal(singleWriter(story.history()).verdict, 'unknown');
  });

  it('is unknown when nobody wrote', () => {
    const result = singleWriter(new Story().history());
    assert.deepEqual(result.evidence, ['nothing was checked: the audit has no write to the data area']);
    assert.equal(result.verdict, 'unknown');
  });
});
