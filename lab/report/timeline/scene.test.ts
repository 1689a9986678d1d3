import assert from 'node:assert/strict';
import { checkAll } from '../../checkers/check-all.ts';
import { goodTakeover } from '../../checkers/testing/good-takeover.ts';
import { Story } from '../../checkers/testing/story.ts';
import { reportData } from '../report-data.ts';
import { EventFilter } from './filter.ts';
import { hitOf } from './hit.ts';
import { labKinds, type Scene, sceneOf } from './scene.ts';
import { density, touching } from './series.ts';
import { inWords } from './words.ts';

const S = 1e9;
const sceneFrom = (story: Story): Scene => sceneOf(reportData(story.history(), checkAll(story.history())));
const rowOf = (scene: Scene, kind: string, server = '') =>
  scene.layout.rows.find((row) => row.kind === kind && row.server === server)!;

describe('the scene of a timeline', () => {
  const scene = sceneFrom(goodTakeover().ends(9.5, '7-0-7', 'refused').ends(9.6, '7-0-8', 'unknown'));

  it('has rows for faults, takeovers, the lab, each server, the client and the storage, none over another', () => {
    assert.deepEqual(
      scene.layout.lanes.map(({ name }) => name),
      ['faults', 'takeovers', 'lab', 'server-1', 'server-2', 'client', 'storage'],
    );
    const { rows } = scene.layout;
    for (const [n, row] of rows.entries()) {
      const next = rows[n + 1];
      assert.ok(
        next === undefined || row.top + row.height <= next.top,
        `${row.kind} reaches into ${next?.kind}`,
      );
    }
  });

  it('puts faults that are in force together into rows of their own', () => {
    const story = goodTakeover()
      .fault(6, 2, 'cut', 'server-2', 'requested')
      .fault(7, 2, 'cut', 'server-2', 'healed');
    story.fault(11, 3, 'cut', 'server-2', 'requested').fault(11.1, 3, 'cut', 'server-2', 'healed');
    const { faultRow } = sceneFrom(story).layout;
    assert.notEqual(faultRow.get(1), faultRow.get(2));
    assert.equal(faultRow.get(1), faultRow.get(3));
  });

  it('tells appends apart by what became of them and who acknowledged them', () => {
    assert.deepEqual([...scene.appends.kind], [0, 0, 0, 1, 1, scene.kinds.refused, scene.kinds.unknown]);
  });

  it('finds the stretches in which two servers were active at once', () => {
    const story = new Story()
      .active(1, 'server-1', 2, 3)
      .service(3, 'server-1', 2, 'ended')
      .active(2, 'server-2', 3, 4)
      .finish(5, 'server-2', 3);
    assert.deepEqual(sceneFrom(story).conflicts, [
      { servers: ['server-1', 'server-2'], from: 2 * S, to: 3 * S },
    ]);
    assert.deepEqual(scene.conflicts, []);
  });

  it('marks what the lab did not see as it had to, and a stall for as long as it lasted', () => {
    const story = new Story().lab(1, { event: 'stall', gapMs: 300 });
    story.lab(2, { event: 'expected', what: 'x', met: false, otherwise: 'violated', detail: '' });
    const { lab } = sceneFrom(
      story.lab(3, { event: 'expected', what: 'y', met: true, otherwise: 'violated', detail: '' }),
    );
    assert.deepEqual([...lab.kind], [labKinds.stall, labKinds.wrong, labKinds.met]);
    assert.equal(lab.from[0], 0.7 * S);
  });

  it('counts what ended in each part of a view, and finds what touches it', () => {
    const counts = density(scene.appends, { from: 3 * S, to: 5 * S }, 2, scene.kinds.count);
    assert.deepEqual([...counts[0]!], [1, 2]);
    const { first, end } = touching(scene.writes.get('server-1')!, { from: 3.5 * S, to: 4.6 * S });
    assert.equal(end - first, 3);
  });

  it('says what is at a place: what lasts there, or what is near', () => {
    const at = (kind: string, t: number, server = '') =>
      hitOf(scene, rowOf(scene, kind, server), t * S, 0.02 * S);
    assert.match(at('role', 4, 'server-1')!.title, /role: active, epoch 2/);
    assert.equal(at('role', 7, 'server-1'), undefined);
    assert.match(
      at('fault', 6)!.lines[0]!,
      /fault 1, kill on server-1: requested \+5\.000 s, effective \+5\.050 s, healed/,
    );
    assert.match(
      at('takeover', 6)!.lines[0]!,
      /server-2 took over from server-1 \(epoch 3\) in 2775 ms, bound 31\d\d ms/,
    );
    assert.match(
      at('append', 4.01)!.lines[0]!,
      /append 7-0-1 acknowledged by server-1 \(epoch 2\) as seq 2 after 20\.0 ms/,
    );
    assert.match(at('data', 8.01, 'server-1')!.lines[0]!, /REFUSED server-1, epoch 2/);
    assert.match(at('data', 4, 'server-1')!.lines[0]!, /wrote 512 bytes at 1024/);
    assert.match(at('gate', 3.01)!.lines[0]!, /granted to server-1, epoch 2/);
    assert.match(at('lease', 3.4, 'server-1')!.lines[0]!, /heartbeat/);
  });

  it('is told in words for the stretch that is shown, and for no other', () => {
    const says = (from: number, to: number, lane: string) =>
      inWords(scene, { from: from * S, to: to * S })
        .find((each) => each.lane === lane)!
        .says.join('\n');
    assert.match(says(2, 4, 'server-1'), /role active \(epoch 2\) from \+3\.000 s to \+5\.060 s/);
    assert.match(says(2, 4, 'server-1'), /lease \(epoch 2\)[^]*service started/);
    assert.equal(says(6, 7, 'server-1'), '');
    assert.match(says(6, 7, 'faults'), /fault 1, kill on server-1/);
    assert.equal(says(11, 12, 'faults'), '');
    assert.match(
      says(8, 9, 'storage'),
      /server-2 in the data area \(epoch 3\)[^]*server-1: writes 0, refusals 1/,
    );
    assert.match(says(3, 4.1, 'client'), /acknowledged 2 by server-1, 0 by server-2; refused 0; unknown 0/);
  });

  describe('filtered', () => {
    const filter = new EventFilter(scene.events);
    const all = new Set(['lab', 'client', 'storage', 'server-1', 'server-2']);
    const count = (asked: Partial<Parameters<EventFilter['within']>[1]>, from = -1, to = 20) =>
      filter.within(
        { from: from * S, to: to * S },
        { sources: all, routine: true, text: '', selected: undefined, ...asked },
      ).length;

    it('has every event when nothing is asked for, and those of the view alone', () => {
      assert.equal(count({}), scene.events.length);
      assert.equal(count({ sources: new Set(['lab']) }, 5, 5.055), 3);
    });

    it('leaves out what happens all the time, but never what went wrong', () => {
      const client = new Set(['client']);
      assert.equal(count({ sources: client }), 9);
      assert.equal(count({ sources: client, routine: false }), 4);
    });

    it('finds events in which every word stands, small or capital', () => {
      assert.equal(count({ text: 'refused SERVER-1' }), 1);
      assert.equal(count({ text: 'refused server-2' }), 0);
    });

    it('keeps the selected event whatever is asked for', () => {
      assert.equal(count({ text: 'nothing like it', selected: 3 }), 1);
    });
  });
});
