import assert from 'node:assert/strict';
import { checkAll } from '../checkers/check-all.ts';
import { goodTakeover } from '../checkers/testing/good-takeover.ts';
import { Story } from '../checkers/testing/story.ts';
import { reportData } from './report-data.ts';
import type { Span } from './timeline/model.ts';

const dataOf = (story: Story) => reportData(story.history(), checkAll(story.history()));
const inSeconds = (spans: readonly Span[]) => spans.map(({ from, to, kind }) => [kind, from / 1e9, to / 1e9]);

describe('the data of a report', () => {
  it('has a lane per server: its roles, its leases while active, its service', () => {
    const [one, two] = dataOf(goodTakeover()).tracks;
    assert.deepEqual([one!.server, two!.server], ['server-1', 'server-2']);
    assert.deepEqual(inSeconds(one!.roles), [
      ['claiming', 0.2, 2.546],
      ['settling', 2.546, 3],
      ['active', 3, 5.06],
      ['starting', 10.1, 12],
    ]);
    assert.deepEqual(inSeconds(one!.services), [
      ['starting', 3.005, 3.025],
      ['started', 3.025, 5.06],
    ]);
    assert.deepEqual(inSeconds(one!.active), [['active', 3, 5.06]]);
    assert.match(one!.active[0]!.detail, /ended with the process/);
  });

  it('has the four phases of every fault, and null for what never came', () => {
    const story = goodTakeover().fault(10.5, 1, 'kill', 'server-1', 'recovered');
    story
      .fault(1, 2, 'cut', 'server-2', 'requested')
      .fault(1.5, 2, 'cut', 'server-2', 'failed', 'no such link');
    const [kill, cut] = [...dataOf(story).faults].sort((a, b) => a.id - b.id);
    assert.deepEqual(
      [kill!.requested, kill!.effective, kill!.healed, kill!.recovered, kill!.failed].map(
        (t) => t && t / 1e9,
      ),
      [5, 5.05, 10, 10.5, null],
    );
    assert.deepEqual([cut!.effective, cut!.failed], [null, 1.5e9]);
    assert.deepEqual(cut!.details, ['requested: by hand', 'failed: no such link']);
  });

  it('has every takeover with its bound, a missed one too', () => {
    const story = goodTakeover().lab(11, {
      event: 'takeover-missed',
      from: 'server-2',
      sinceT: 1005e9,
      waitedMs: 4000,
    });
    const [seen, missed] = dataOf(story).takeovers;
    assert.deepEqual(
      [seen!.from, seen!.to, seen!.epoch, seen!.since / 1e9, seen!.until / 1e9],
      ['server-1', 'server-2', 3, 5.05, 7.825],
    );
    assert.ok(seen!.boundMs! > 3000);
    assert.deepEqual([missed!.to, missed!.until - missed!.since], [null, 4e9]);
  });

  it('knows who had the data area, from the first connection to the last', () => {
    const story = new Story().letIn(1, 'server-1', 2);
    story.audit(2, { event: 'disconnected', connection: 201, peer: '', export: null, reason: 'left' });
    story.letIn(3, 'server-2', 3).gateRestarts(4, 'server-2', 3).finish(5, 'server-2', 3);
    const { gate, letIn } = dataOf(story).storage;
    assert.deepEqual(
      letIn.map(({ server, spans }) => [server, ...inSeconds(spans)]),
      [
        ['server-1', ['let-in', 1.001, 2]],
        ['server-2', ['let-in', 3.001, 4]],
      ],
    );
    assert.deepEqual(inSeconds(gate), [
      ['up', 0.1, 4],
      ['up', 4, 5.9],
    ]);
  });

  it('knows that a killed gate is gone until it is back, and its connections with it', () => {
    const story = new Story().letIn(1, 'server-1', 2).fault(2, 1, 'storage-kill', 'storage', 'effective');
    const { gate, letIn } = dataOf(story.gateRestarts(3, 'server-1', 2).finish(4, 'server-1', 2)).storage;
    assert.deepEqual(inSeconds(gate), [
      ['up', 0.1, 2],
      ['up', 3, 4.9],
    ]);
    assert.deepEqual(inSeconds(letIn[0]!.spans), [['let-in', 1.001, 2]]);
  });

  it('shows what was held at the gate', () => {
    const story = new Story();
    const rule = (at: number, state: 'armed' | 'holding' | 'released' | 'removed') =>
      story.audit(at, { event: 'rule', id: '1', state, detail: 'a write' });
    rule(1, 'armed');
    rule(2, 'holding');
    rule(3, 'released');
    rule(4, 'removed');
    assert.deepEqual(inSeconds(dataOf(story).storage.held), [['holding', 2, 3]]);
  });

  it('makes an append one event, and one of an append that never ended', () => {
    const story = new Story().append(1, 'server-1', 2).begins(2, '7-0-9').finish(3, 'server-1', 2);
    const { groups } = dataOf(story).events;
    const appends = groups.find(({ source, event }) => source === 'client' && event === 'append')!;
    const columns = Object.fromEntries(appends.columns);
    assert.deepEqual(columns['outcome'], { each: ['ok', 'unknown'] });
    assert.deepEqual(columns['beganAt'], { ago: [20_000_000, 0] });
    assert.equal(
      groups.some(({ event }) => event === 'begin' || event === 'end'),
      false,
    );
  });

  it('has the first violation of each checker, the earliest first', () => {
    const story = goodTakeover().writes(8.2, 'server-1', 2).writes(8.4, 'server-1', 2);
    story.lease(8.6, 'server-1', 2).active(8.6, 'server-1', 2, 9, false);
    const { violations } = dataOf(story);
    assert.deepEqual(
      violations.map(({ checker }) => checker),
      ['single-writer', 'single-active'],
    );
    assert.equal(violations[0]!.at, 8.2e9);
    assert.match(violations[0]!.sentence, /server-1 wrote under epoch 2 after/);
  });
});
