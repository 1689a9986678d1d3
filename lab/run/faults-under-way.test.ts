import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalLine } from '../../src/ports/journal.ts';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World } from '../engines/engine.ts';
import { faultNamed } from '../faults/index.ts';
import { ClusterView } from './cluster-view.ts';
import { ExpectationMissed } from './expectations.ts';
import { FaultsUnderWay } from './faults-under-way.ts';
import { nowNs } from './now.ts';
import { Recorder } from './recorder.ts';

const PATIENCE_MS = 20;

describe('faults under way', () => {
  let directory: string;
  let recorder: Recorder;
  let lines: LineWaiter;
  let faults: FaultsUnderWay;
  let processes: number;
  let mend: () => Promise<string>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'faults-'));
    recorder = await Recorder.open(directory, () => {});
    lines = new LineWaiter(() => {});
    processes = 3;
    mend = async () => 'greeting';
    const world: Partial<World> = {
      cut: async () => 'silence',
      mend: () => mend(),
      alive: async () => processes,
      killServer: async () => void (processes = 0),
    };
    const view = new ClusterView(['server-1']);
    faults = new FaultsUnderWay({ world: world as World, view, lines }, recorder, PATIENCE_MS, () => {});
  });
  afterEach(async () => {
    lines.close();
    await recorder.close();
    await rm(directory, { recursive: true });
  });

  const arm = (name: string) => faults.arm(faultNamed(name), 'server-1', 'server-1', {});
  const observes = (t: number) =>
    lines.deliver({
      from: 'server',
      server: 'server-1',
      line: {
        ...{ v: 1, n: 0, t, wall: '', node: 'server-1', incarnation: '', event: 'observed' },
        ...{ epoch: 3, status: 1, unchanged: 1, sinceAt: 0, readAt: 0 },
      } as JournalLine,
    });
  const phases = () => recorder.events.map((e) => (e.event === 'fault' ? `${e.fault} ${e.phase}` : e.event));

  it('are over when the server was seen to recover, not by what it said before the healing', async () => {
    const before = nowNs();
    await (await arm('cut-drop')).heal();
    observes(before);
    await new Promise(setImmediate);
    assert.ok(!phases().includes('cut-drop recovered'));
    observes(nowNs());
    await faults.allRecovered();
    assert.deepEqual(phases(), [
      'cut-drop requested',
      'cut-drop effective',
      'cut-drop healed',
      'cut-drop recovered',
    ]);
  });

  it('are one at a time where a second one would change nothing, and tell nothing of that', async () => {
    const first = await arm('cut-drop');
    await assert.rejects(
      arm('cut-drop'),
      /^FaultImpossible: cut-drop server-1 is in force already, as fault 1$/,
    );
    await first.heal();
    assert.equal((await arm('cut-drop')).id, 2);
    assert.ok(!phases().includes('cut-drop failed'));
  });

  it('are healed another time when they could not be at first', async () => {
    let mended = false;
    mend = async () => {
      if (mended) return 'greeting';
      mended = true;
      throw new Error('not yet');
    };
    const cut = await arm('cut-drop');
    await assert.rejects(cut.heal(), /not yet/);
    await cut.heal();
    assert.ok(phases().includes('cut-drop healed'));
  });

  it('miss a recovery that does not come', async () => {
    await (await arm('cut-drop')).heal();
    await assert.rejects(faults.allRecovered(), ExpectationMissed);
    const missed = recorder.events.at(-1);
    assert.ok(missed?.event === 'expected' && !missed.met && missed.otherwise === 'violated');
    assert.equal(missed.what, 'server-1 recovers from cut-drop');
  });

  it('do not wait for a server that was powered off after the healing', async () => {
    await (await arm('cut-drop')).heal();
    await (
      await arm('kill')
    ).effective;
    await faults.allRecovered();
    assert.ok(!phases().includes('expected'));
  });
});
