import assert from 'node:assert/strict';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World, WorldLine } from '../engines/engine.ts';
import { ClusterView } from '../run/cluster-view.ts';
import { type FaultContext, FaultImpossible } from './fault.ts';
import { faultNamed, faults } from './index.ts';

/** A world in which nothing happens but what a test says. */
function context(world: Partial<World>): FaultContext {
  const view = new ClusterView(['server-1', 'server-2']);
  const lines = new LineWaiter(() => {});
  return { world: world as World, view, lines };
}

describe('a fault', () => {
  it('is listed once, under a name of its own, with what it does', () => {
    const names = faults.map((fault) => fault.name);
    assert.equal(new Set(names).size, names.length);
    for (const fault of faults) assert.ok(fault.summary.length > 20, fault.name);
    assert.throws(() => faultNamed('explode'), /no fault is called explode; there are kill, stop,/);
  });

  it('kill: fails when a process is left, and when there was none', async () => {
    const left = context({ alive: async () => 3, killServer: async () => {} });
    await assert.rejects(faultNamed('kill').inject(left, 'server-1', {}), /server-1 still has 3 processes/);
    const none = context({ alive: async () => 0, killServer: async () => {} });
    await assert.rejects(faultNamed('kill').inject(none, 'server-1', {}), /has no process to kill/);
  });

  it('kill: tells what was seen, and heals by switching the server on again, once', async () => {
    let processes = 3;
    let started = 0;
    const world = context({
      alive: async () => processes,
      killServer: async () => void (processes = 0),
      startServer: async () => void (started++, (processes = 3)),
    });
    const injection = await faultNamed('kill').inject(world, 'server-1', {});
    assert.equal(await injection.effective, '3 processes before, none after');
    await injection.heal();
    await injection.heal();
    assert.equal(started, 1);
  });

  it('stop: fails when the agent ended with another exit code than 0', async () => {
    await assert.rejects(
      faultNamed('stop').inject(context({ alive: async () => 3, stopServer: async () => 3 }), 'server-1', {}),
      /server-1 was asked to stop and ended with exit code 3, not 0/,
    );
  });

  it('storage-kill: fails when the storage node lives on', async () => {
    const world = context({ killStorage: async () => {}, alive: async () => 1 });
    await assert.rejects(faultNamed('storage-kill').inject(world, 'storage', {}), /still has 1 processes/);
  });

  it('storage-kill: fails when there was no storage node to kill', async () => {
    const world = context({ killStorage: async () => {}, alive: async () => 0 });
    await assert.rejects(faultNamed('storage-kill').inject(world, 'storage', {}), /has no process to kill/);
  });

  it('restart: is effective when the server is dead, and heals only when it runs again', async () => {
    let processes = 3;
    const started = Promise.withResolvers<void>();
    const world = context({
      alive: async () => processes,
      killServer: async () => void (processes = 0),
      startServer: () => started.promise,
    });
    const injection = await faultNamed('restart').inject(world, 'server-1', {});
    assert.equal(await injection.effective, '3 processes before, none after; being switched on again');
    const healed = injection.heal();
    started.resolve();
    await assert.rejects(healed, /server-1 was switched on again, and has no process/);
    processes = 2;
    assert.equal(await injection.heal(), 'switched on again: 2 processes');
  });

  it('cut: says what a newcomer meets once it is mended', async () => {
    const world = context({
      cut: async () => 'silence',
      mend: async () => 'a new connection meets the greeting',
    });
    const injection = await faultNamed('cut-drop').inject(world, 'server-1', {});
    assert.match(await injection.heal(), /carries packets again: a new connection meets the greeting/);
  });

  it('cut: leaves the link cut while another cut is in force, in whatever order they are healed', async () => {
    const done: string[] = [];
    const world = context({
      cut: async (_, how) => (done.push(how), 'silence'),
      mend: async () => (done.push('mend'), 'a greeting'),
    });
    const drop = await faultNamed('cut-drop').inject(world, 'server-1', {});
    const reset = await faultNamed('cut-reset').inject(world, 'server-1', {});
    assert.match(await drop.heal(), /stays cut by another fault/);
    await reset.heal();
    assert.deepEqual(done, ['drop', 'reset', 'reset', 'mend']);
    assert.equal(await drop.heal(), 'was mended already');
  });

  it('pause, stall: heal where the server has lost its power since', async () => {
    for (const name of ['pause', 'stall']) {
      let processes = 3;
      const fault = faultNamed(name);
      const dead = context({ alive: async () => 0 });
      await assert.rejects(fault.inject(dead, 'server-1', {}), FaultImpossible);
      const world = context({ alive: async () => processes, freeze: async () => {}, stall: async () => {} });
      const injection = await fault.inject(world, 'server-1', {});
      processes = 0;
      assert.match(await injection.heal(), /it has lost its power since/);
    }
  });

  /**
   * A gate that holds what the test says. Asked for the rule it is in the first state once, and then answers with the
   * outcomes, one request after the other.
   */
  function gate(first: 'armed' | 'holding', ...outcomes: (string | null)[]) {
    const asked: string[] = [];
    let isFirst = true;
    const world = context({
      peerAddress: () => '127.9.9.11',
      storageControl: async (method, path, body) => {
        asked.push(`${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`.trim());
        if (method !== 'GET') return { id: 'r7' };
        if (isFirst) {
          isFirst = false;
          return { state: first, outcome: null };
        }
        return { state: 'released', outcome: outcomes.length > 1 ? outcomes.shift() : outcomes[0] };
      },
    });
    return { asked, world };
  }

  it('hold-write: is effective only when the gate says that it holds a write', async () => {
    const { world } = gate('armed', 'ok');
    const injection = await faultNamed('hold-write').inject(world, 'server-2', {});
    let effective = false;
    void injection.effective.then(() => (effective = true));
    world.lines.deliver(ruleLine('r6', 'holding'));
    world.lines.deliver(ruleLine('r7', 'armed'));
    await new Promise(setImmediate);
    assert.equal(effective, false);
    world.lines.deliver(ruleLine('r7', 'holding'));
    assert.equal(await injection.effective, 'rule r7 holds a write of server-2');
    world.lines.close();
  });

  it('hold-write: is effective when the gate held the write before anybody listened', async () => {
    const { world } = gate('holding', 'ok');
    const injection = await faultNamed('hold-write').inject(world, 'server-2', {});
    assert.equal(await injection.effective, 'rule r7 holds a write of server-2');
    assert.equal(await injection.heal(), 'the held write was let through, and carried out');
    world.lines.close();
  });

  it('hold-write: is healed, once, when its rule says that the write was carried out', async () => {
    const { world, asked } = gate('armed', null, null, 'ok');
    const injection = await faultNamed('hold-write').inject(world, 'server-2', {});
    world.lines.deliver(ruleLine('r7', 'holding'));
    await injection.effective;
    assert.equal(await injection.heal(), 'the held write was let through, and carried out');
    await injection.heal();
    assert.deepEqual(asked, [
      'POST /rules {"peer":"127.9.9.11","offset":512,"export":"quorum","op":"write","action":"hold"}',
      'GET /rules/r7',
      'POST /rules/r7/release',
      'GET /rules/r7',
      'GET /rules/r7',
      'GET /rules/r7',
      'GET /rules/r7',
    ]);
  });

  it('hold-write: is not healed by a write that failed', async () => {
    const { world } = gate('armed', 'EIO');
    const injection = await faultNamed('hold-write').inject(world, 'server-2', {});
    world.lines.deliver(ruleLine('r7', 'holding'));
    await injection.effective;
    await assert.rejects(
      injection.heal(),
      /a write of server-2, held by rule r7 and let through, came to: EIO/,
    );
  });

  it('hold-any-write: takes its rule back when it held nothing', async () => {
    const { world, asked } = gate('armed', 'ok');
    const injection = await faultNamed('hold-any-write').inject(world, 'storage', {});
    assert.equal(await injection.heal(), 'the rule was taken back; it had held nothing');
    assert.deepEqual(asked, [
      'POST /rules {"offset":512,"export":"quorum","op":"write","action":"hold"}',
      'GET /rules/r7',
      'DELETE /rules/r7',
    ]);
    world.lines.close();
  });
});

function ruleLine(id: string, state: 'armed' | 'holding'): WorldLine {
  return { from: 'storage', line: { v: 1, n: 1, t: 1, event: 'rule', id, state, detail: '' } };
}
