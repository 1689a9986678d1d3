import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalLine } from '../../src/ports/journal.ts';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World } from '../engines/engine.ts';
import type { LabEvent } from '../history/events.ts';
import { ClusterView } from './cluster-view.ts';
import { labTimings } from './defaults.ts';
import { anotherBecomesActive, ExpectationMissed, refusedWrite } from './expectations.ts';
import type { Fact } from './facts.ts';
import { Lab } from './lab.ts';
import { nowNs } from './now.ts';
import { Recorder } from './recorder.ts';

describe('a lab', () => {
  let directory: string;
  let recorder: Recorder;
  let view: ClusterView;
  let lines: LineWaiter;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lab-'));
    recorder = await Recorder.open(directory, () => {});
    view = new ClusterView(['server-1', 'server-2']);
    lines = new LineWaiter((line) => {
      recorder.line(line);
      view.learn(line);
    });
  });
  afterEach(async () => {
    await recorder.close();
    await rm(directory, { recursive: true });
  });

  const labOver = (world: Partial<World>) =>
    new Lab(world as World, view, lines, recorder, { timings: labTimings, storage: 'nbd' });
  const says = (server: string, entry: object) =>
    lines.deliver({
      from: 'server',
      server,
      line: { v: 1, t: nowNs(), wall: '', node: server, incarnation: '', ...entry } as JournalLine,
    });
  const serves = (server: string, epoch: number) => {
    says(server, { event: 'role', from: 'settling', to: 'active', epoch, rule: 'R4', reason: '' });
    says(server, { event: 'service', phase: 'started', epoch, reason: '', pid: 1 });
  };
  const events = (name: string): LabEvent[] => recorder.events.filter((event) => event.event === name);

  it('resolves symbolic targets when the fault fires, and tells which server it was', async () => {
    let processes = 2;
    const lab = labOver({ alive: async () => processes, killServer: async () => void (processes = 0) });
    serves('server-2', 6);
    const fault = await lab.fault('kill', 'active');
    assert.equal(fault.target, 'server-2');
    assert.deepEqual(
      events('fault').map((e) => e.event === 'fault' && [e.phase, e.target]),
      [
        ['requested', 'server-2'],
        ['effective', 'server-2'],
      ],
    );
  });

  it('takes a target that does not exist for an error, never for a guess', async () => {
    const lab = labOver({});
    await assert.rejects(
      lab.fault('kill', 'server-9'),
      /no server is called server-9; there are server-1, server-2/,
    );
  });

  it('records a fault that had no effect as failed', async () => {
    const lab = labOver({ alive: async () => 0, killServer: async () => {} });
    await assert.rejects(lab.fault('kill', 'server-1'), /has no process to kill/);
    assert.equal(
      events('fault').some((e) => e.event === 'fault' && e.phase === 'failed'),
      true,
    );
  });

  it('measures a takeover from the fault to the moment the other server serves', async () => {
    let processes = 2;
    const lab = labOver({ alive: async () => processes, killServer: async () => void (processes = 0) });
    serves('server-1', 3);
    await lab.fault('kill', 'server-1');
    const next = lab.takeover({ from: 'server-1' });
    serves('server-2', 7);
    assert.deepEqual({ ...(await next), t: 0 }, { server: 'server-2', epoch: 7, t: 0 });
    const [seen] = events('takeover-seen');
    assert.ok(seen?.event === 'takeover-seen' && seen.servingT > seen.sinceT && seen.to === 'server-2');
  });

  it('sees what it waits for also when that was said before', async () => {
    const lab = labOver({});
    lines.deliver({
      from: 'storage',
      line: {
        ...{
          v: 1,
          n: 0,
          t: 5,
          event: 'refused',
          connection: 1,
          peer: '',
          export: 'data@server-1.3.00000000',
        },
        ...{ node: 'server-1', epoch: 3, lastGranted: 7, reason: '' },
      },
    });
    await lab.eventually(refusedWrite({ by: 'server-1', afterEpoch: 7 }), 10);
    await assert.rejects(
      lab.eventually(refusedWrite({ by: 'server-1', afterEpoch: 3 }), 10),
      ExpectationMissed,
    );
    assert.deepEqual(
      events('expected').map((e) => e.event === 'expected' && [e.met, e.otherwise]),
      [
        [true, 'unknown'],
        [false, 'unknown'],
      ],
    );
  });

  /** What a lab that is well says while it comes to its end; `meanwhile` is asked for more at every step. */
  async function untilOver(done: Promise<void>, meanwhile: (step: number) => void = () => {}): Promise<void> {
    const state = { over: false };
    const end = done.finally(() => (state.over = true));
    end.catch(() => {});
    for (let step = 0; step < 200 && !state.over; step++) {
      await new Promise(setImmediate);
      acknowledged(step);
      meanwhile(step);
    }
    if (!state.over) lines.close();
    assert.ok(state.over, 'it did not come to its end');
    await end;
  }
  const acknowledged = (i: number) =>
    lines.deliver({
      from: 'client',
      line: {
        ...{ t: nowNs(), event: 'end', id: `${i}`, worker: 0, outcome: 'ok' },
        ...{ server: 'server-1', epoch: 3, seq: i, attempts: 1 },
      },
    });
  const standsBy = (server: string) =>
    says(server, { event: 'role', from: 'starting', to: 'standby', epoch: 0, rule: 'R0', reason: '' });
  const observes = (server: string) =>
    says(server, { event: 'observed', epoch: 3, status: 1, unchanged: 1, sinceAt: 0, readAt: 0 });
  const bothLive = () => {
    says('server-1', { event: 'lease', epoch: 3, count: 1, startedAt: 0, writtenAt: 0, endsAt: 0 });
    observes('server-2');
  };

  it('judges what must never be seen over everything that was said since', async () => {
    const lab = labOver({ alive: async () => 2 });
    standsBy('server-1');
    serves('server-1', 3);
    lab.never(anotherBecomesActive('server-1'));
    serves('server-2', 7);
    standsBy('server-1');
    await untilOver(lab.finish(), bothLive);
    const [never] = events('expected');
    assert.ok(never?.event === 'expected' && !never.met && never.otherwise === 'violated');
  });

  it('judges what must not be seen for a while over just that while', async () => {
    const lab = labOver({ alive: async () => 2 });
    standsBy('server-1');
    serves('server-1', 3);
    const over = lab.never(anotherBecomesActive('server-1'));
    says('server-1', { event: 'warning', text: 'nothing' });
    over();
    serves('server-2', 7);
    standsBy('server-1');
    await untilOver(lab.finish(), bothLive);
    const [never] = events('expected');
    assert.ok(never?.event === 'expected' && never.met);
  });

  it('is not over before every server that is on was heard of after the healing', async () => {
    const lab = labOver({ alive: async () => 2 });
    serves('server-1', 3);
    standsBy('server-2');
    let heardOf = false;
    const over = lab.finish().then(() => assert.ok(heardOf, 'over before server-2 was heard of'));
    await untilOver(over, (step) => {
      says('server-1', { event: 'lease', epoch: 3, count: 1, startedAt: 0, writtenAt: 0, endsAt: 0 });
      if (step < 100) return;
      heardOf = true;
      observes('server-2');
    });
    assert.ok(heardOf);
  });

  it('misses a server that has no process although nobody switched it off', async () => {
    const lab = labOver({ alive: async (server) => (server === 'server-2' ? 0 : 3) });
    serves('server-1', 3);
    standsBy('server-2');
    await assert.rejects(untilOver(lab.finish(), bothLive), /server-2 is running: it has no process/);
    const [missed] = events('expected');
    assert.ok(missed?.event === 'expected' && !missed.met && missed.otherwise === 'violated');
  });

  it('is not over before a healed server sees the quorum area again', async () => {
    const lab = labOver({ alive: async () => 2, cut: async () => 'silence', mend: async () => 'greeting' });
    serves('server-1', 3);
    standsBy('server-2');
    await lab.fault('cut-drop', 'server-2');
    await untilOver(lab.finish(), (step) => {
      says('server-1', { event: 'lease', epoch: 3, count: 1, startedAt: 0, writtenAt: 0, endsAt: 0 });
      if (step < 100) says('server-2', { event: 'blind', healed: false, reason: '', failures: step });
      else observes('server-2');
    });
    const phases = events('fault').map((e) => e.event === 'fault' && e.phase);
    assert.deepEqual(phases, ['requested', 'effective', 'healed', 'recovered']);
  });

  it('says what shows a fact, and misses one that nothing shows', async () => {
    const lab = labOver({});
    serves('server-2', 7);
    const nobody: Fact = { what: 'somebody is blind', otherwise: 'unknown', shownBy: () => undefined };
    const somebody: Fact = { ...nobody, what: 'somebody serves', shownBy: ({ length }) => `${length} lines` };
    lab.holds(somebody);
    assert.throws(() => lab.holds(nobody), ExpectationMissed);
    assert.deepEqual(
      events('expected').map((e) => e.event === 'expected' && [e.what, e.met, e.detail]),
      [
        ['somebody serves', true, '2 lines'],
        ['somebody is blind', false, 'nothing shows it'],
      ],
    );
  });
});
