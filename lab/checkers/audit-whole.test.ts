import assert from 'node:assert/strict';
import type { AuditLine } from '../../src/ports/audit.ts';
import type { History } from '../history/events.ts';
import { auditWhole } from './audit-whole.ts';
import { checkAll } from './check-all.ts';
import { goodTakeover } from './testing/good-takeover.ts';
import { ns } from './testing/names.ts';
import { storageKilled } from './testing/storage-killed.ts';
import { Story } from './testing/story.ts';

const said = (story: Story, change: (history: History) => Partial<History> = () => ({})) => {
  const history = story.history();
  const { verdict, evidence } = auditWhole({ ...history, ...change(history) });
  return [verdict, evidence[0]];
};
const without = (isGone: (line: AuditLine) => boolean) => (history: History) => ({
  audit: history.audit.filter((line) => !isGone(line)),
});
/** The next record of the log reaches the disk, and nobody tells of the write. */
const untold = (story: Story, id: string, epoch = 2) =>
  story.lands({ kind: 'append', id, epoch, node: 'server-1' });

describe('audit-whole', () => {
  it('is valid when both disks and the client agree with it', () => {
    assert.deepEqual(said(goodTakeover()), [
      'valid',
      '37 lines; each of 5 acknowledged appends has its durable write',
    ]);
  });

  it('names lines in the middle that are not there, by their numbers, whatever they told', () => {
    const last = (story: Story, isGone: (line: AuditLine) => boolean) => {
      const history = story.history();
      return auditWhole({ ...history, ...without(isGone)(history) }).evidence[0];
    };
    const refused = () => goodTakeover().refuses(9, 'server-1', 2).refuses(9.1, 'server-1', 2);
    assert.equal(said(refused())[0], 'valid');
    const between = (from: number, to: number) => (line: AuditLine) =>
      line.event === 'refused' && ns(from) <= line.t && line.t <= ns(to);
    assert.match(last(refused(), between(9, 9))!, /^of the storage node's record line \d+ is missing$/);
    assert.match(last(refused(), between(9, 9.1))!, /^of the storage node's record lines? \d+.* missing$/);
    assert.equal(said(refused(), without(between(9, 9.1)))[0], 'unknown');
    const doubled = (history: History) => ({ audit: history.audit.flatMap((line) => [line, line]) });
    assert.match(
      auditWhole({ ...goodTakeover().history(), ...doubled(goodTakeover().history()) }).evidence.join('\n'),
      /^of the storage node's record line 2 follows line 2$/m,
    );
  });

  it('takes a write of unknown outcome for one that may be on the disk, and need not be', () => {
    const unsure = (from: number) => (history: History) => ({
      audit: history.audit.map((line) =>
        line.event === 'write' && line.t >= ns(from) ? { ...line, outcome: 'unknown' } : line,
      ),
    });
    assert.equal(said(goodTakeover(), unsure(8.9))[0], 'valid');
    const failed = (history: History) => ({
      audit: history.audit.map((line) =>
        line.event === 'write' && line.t >= ns(8.9) ? { ...line, outcome: 'EIO' } : line,
      ),
    });
    assert.equal(said(goodTakeover(), failed)[0], 'unknown');
  });

  it('begins with the gate, or with the server process that the gate needs before', () => {
    const server = { event: 'server-started', pid: 9, area: 'quorum', epoch: null } as const;
    assert.equal(said(goodTakeover().audit(0.05, server))[0], 'valid');
    const headless = said(
      goodTakeover().audit(0.05, server),
      without((line) => line.event === 'gate-started'),
    );
    assert.equal(headless[0], 'unknown');
  });

  it('names the append, the record on the disk and the sector that do not', () => {
    const write = (t: number) => (line: AuditLine) => line.event === 'write' && line.t === ns(t);
    assert.deepEqual(said(goodTakeover(), without(write(4.01))), [
      'unknown',
      'the append with seq 2 of server-1 (epoch 2) is on the disk, and the record has no durable write of it',
    ]);
    const { evidence } = auditWhole({
      ...goodTakeover().history(),
      ...without(write(4.01))(goodTakeover().history()),
    });
    assert.equal(
      evidence[1],
      'append 7-0-1 (seq 2), acknowledged by server-1 at +4.020 s, has no durable write in the record',
    );
    assert.deepEqual(said(goodTakeover().writes(9.5, 'server-2', 3, { offset: 50 * 512 })), [
      'unknown',
      'server-2 (epoch 3) wrote sector 50 at +9.500 s by the record, and it is empty',
    ]);
    assert.match(
      said(goodTakeover().writes(8.2, 'server-2', 3, { offset: 512 }))[1]!,
      /and it holds one of server-1 \(epoch 2\)$/,
    );
  });

  it('takes any one of writes that ran at the same time', () => {
    const rivals = (beganBefore: number) =>
      goodTakeover()
        .writes(9.4, 'server-2', 3, { offset: 512 })
        .writes(9.399, 'server-1', 2, { offset: 512, lasts: beganBefore });
    assert.equal(said(rivals(0.0005))[0], 'valid');
    assert.equal(said(goodTakeover().writes(9.4, 'server-2', 3, { offset: 512 }))[0], 'unknown');
  });

  it('has the write of an append between its beginning and its end', () => {
    const early = goodTakeover().begins(4.3, 'x').acknowledges(4.4, 'x', 'server-1', 2, 1);
    assert.match(
      said(early)[1]!,
      /^append x \(seq 1\), .* was written from .* not while the client waited from \+4\.300 s$/,
    );
  });

  describe('of a storage node that was killed', () => {
    it('is valid with one start more', () => {
      const { verdict, results } = checkAll(storageKilled().history());
      assert.deepEqual([verdict, ...results.filter((r) => r.verdict !== 'valid')], ['valid']);
    });

    it('may lack the one write that was under way, acknowledged later or not', () => {
      assert.equal(said(storageKilled((story) => untold(story, 'u')))[0], 'valid');
      const acknowledged = storageKilled((story) => {
        untold(story.begins(4.98, 'u'), 'u').acknowledges(5.7, 'u', 'server-1', 2, 3);
      });
      assert.equal(said(acknowledged)[0], 'valid');
    });

    it('may lack no other: not a second one, nor one from before or after', () => {
      assert.equal(said(storageKilled((story) => untold(untold(story, 'u'), 'v')))[0], 'unknown');
      const late = storageKilled((story) => {
        untold(story.begins(5.6, 'u'), 'u').acknowledges(5.7, 'u', 'server-1', 2, 3);
      });
      assert.match(said(late)[1]!, /^append u .* has no durable write in the record$/);
      assert.equal(said(untold(storageKilled(), 'u'))[0], 'unknown');
      const first = without((line) => line.event === 'write' && line.offset === 0);
      assert.equal(said(storageKilled(), first)[0], 'unknown', 'the next one was told before the kill');
      assert.equal(said(untold(goodTakeover(), 'u', 3))[0], 'unknown');
    });

    it('has a start for every healing and no other, and says how it ended', () => {
      const starts = without((line) => line.event === 'gate-started' && line.t > ns(5));
      assert.match(
        said(storageKilled(), starts)[1]!,
        /storage-kill\) was healed at \+5\.520 s, and the record has no start for it$/,
      );
      const twice = storageKilled((story) => story.gateRestarts(5.51, 'server-1', 2));
      assert.equal(said(twice)[1], 'the gate started at +5.510 s, and nobody had killed the one before');
      const dead = new Story().fault(5, 1, 'storage-kill', 'storage', 'requested');
      dead.fault(5.1, 1, 'storage-kill', 'storage', 'effective').letIn(3, 'server-1', 2);
      assert.equal(said(dead)[0], 'valid', 'never started again');
      const cut = without((line) => line.event === 'gate-stopped');
      assert.match(said(storageKilled(), cut)[1]!, /^the record does not end with gate-stopped but with /);
    });
  });

  describe('of the quorum area', () => {
    it('has been told of what stands there', () => {
      const gone = without((line) => line.event === 'quorum-write' && line.t > ns(11.7));
      assert.equal(
        said(goodTakeover(), gone)[1],
        "the record on the quorum disk is that of server-2, epoch 3, count 11799; by the storage node's own record it was " +
          'that of server-2, epoch 3, count 11399 from +11.399 s on',
      );
    });

    it('may have been written untold by a gate that was killed after all that it told, but not with a lower epoch', () => {
      const killed = () => {
        const story = new Story().recordShows(1, 'server-1', 2).grants(1.1, 'server-1', 2);
        story.fault(2, 1, 'storage-kill', 'storage', 'requested');
        return story.fault(2.1, 1, 'storage-kill', 'storage', 'effective').logs(1.5, 'server-1', 2, 'open');
      };
      const other = (epoch: number) => () => ({
        quorum: new Story().recordShows(1.9, 'server-1', epoch).history().quorum,
      });
      assert.equal(said(killed(), other(4))[0], 'valid');
      assert.match(said(killed(), other(0))[1]!, /^epoch 2 was granted .* shows none as high$/);
      assert.equal(said(storageKilled(), other(4))[0], 'unknown', 'it came back, and told of more');
    });

    it('has the timings that the lab asked for', () => {
      const history = goodTakeover().history();
      const [started, ...lab] = history.lab;
      assert.ok(started?.event === 'lab-started');
      const other = { ...started, timings: { ...started.timings, misses: 9 } };
      assert.match(
        said(goodTakeover(), () => ({ lab: [other, ...lab] }))[1]!,
        /says misses 5, and the lab asked for another$/,
      );
    });
  });

  it('is unknown without a line', () => {
    assert.deepEqual(
      said(new Story(), () => ({ audit: [] })),
      ['unknown', 'nothing was checked: the storage node told nothing'],
    );
  });
});
