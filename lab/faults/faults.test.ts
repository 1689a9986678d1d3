import assert from 'node:assert/strict';
import { LineWaiter } from '../engines/bring-up.ts';
import type { World, WorldLine } from '../engines/engine.ts';
import { ClusterView } from '../run/cluster-view.ts';
import type { FaultContext } from './fault.ts';
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
    await assert.rejects(faultNamed('kill').inject(none, 'server-1', {}), /had no process to kill/);
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
      faultNamed('stop').inject(context({ stopServer: async () => 3 }), 'server-1', {}),
      /server-1 was asked to stop and ended with exit code 3, not 0/,
    );
  });

  it('storage-kill: fails when the storage node lives on', async () => {
    const world = context({ killStorage: async () => {}, alive: async () => 1 });
    await assert.rejects(faultNamed('storage-kill').inject(world, 'storage', {}), /still has 1 processes/);
  });

  it('hold-write: is effective only when the gate says that it holds a write, and is released by its rule', async () => {
    const asked: string[] = [];
    const world = context({
      peerAddress: () => '127.9.9.11',
      storageControl: async (method, path, body) => {
        asked.push(`${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`.trim());
        return { id: 'r7' };
      },
    });
    const injection = await faultNamed('hold-write').inject(world, 'server-2', {});
    let effective = false;
    void injection.effective.then(() => (effective = true));
    world.lines.deliver(ruleLine('r6', 'holding'));
    world.lines.deliver(ruleLine('r7', 'armed'));
    await new Promise(setImmediate);
    assert.equal(effective, false);
    world.lines.deliver(ruleLine('r7', 'holding'));
    assert.equal(await injection.effective, 'rule r7 holds a write of server-2');
    await injection.heal();
    assert.deepEqual(asked, [
      'POST /rules {"peer":"127.9.9.11","export":"quorum","op":"write","offset":512,"action":"hold"}',
      'POST /rules/r7/release',
    ]);
  });
});

function ruleLine(id: string, state: 'armed' | 'holding'): WorldLine {
  return { from: 'storage', line: { v: 1, t: 1, event: 'rule', id, state, detail: '' } };
}
