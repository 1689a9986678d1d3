import assert from 'node:assert/strict';
import type { HandOverAnswer, PauseAnswer } from '../ports/orders.ts';
import { Server, SharedDisk, TIMINGS, VirtualClock } from './world.fixture.ts';

const D = TIMINGS.misses * TIMINGS.intervalMs;

describe('an order', () => {
  /** Two servers; one is active, the other has seen it alive. */
  async function world() {
    const clock = new VirtualClock();
    const disk = new SharedDisk(['server-1', 'server-2']);
    const servers = [0, 1].map((i) => new Server(clock, disk, `server-${i + 1}`, i));
    const serving = () => servers.find((server) => server.agent.status().serving);
    for (const { agent } of servers) void agent.run();
    assert.ok(await clock.run(() => serving() !== undefined));
    await clock.pass(D);
    const active = serving()!;
    const standby = servers.find((server) => server !== active)!;
    const settled = async <T>(asked: Promise<T>): Promise<T> => {
      let isSettled = false;
      void asked.finally(() => (isSettled = true));
      assert.ok(await clock.run(() => isSettled), 'it is never answered');
      return asked;
    };
    return { clock, active, standby, settled };
  }

  it('to pause is answered when the pause is on the disk, where a standby sees it', async () => {
    const { clock, active, standby, settled } = await world();
    let answer: PauseAnswer | undefined;
    const asked = active.agent.orders.pause();
    void asked.then((done) => (answer = done));
    assert.ok(await clock.run(() => active.said('order').length === 1));
    assert.equal(answer, undefined, 'not before');
    const { outcome, pause } = await settled(asked);
    assert.deepEqual([outcome, pause?.by], ['taken', active.agent.status().node]);
    assert.ok(await clock.run(() => standby.agent.status().pause !== null));
    assert.deepEqual(standby.agent.status().pause, pause);
    assert.equal((await active.agent.orders.pause()).reason, `paused already, by ${pause!.by}`);
  });

  it('to pause that never got to the disk is answered when the lease is lost: nothing is paused', async () => {
    const { active, settled } = await world();
    active.refusal = 'not connected';
    const { outcome, pause } = await settled(active.agent.orders.pause());
    assert.deepEqual([outcome, pause], ['taken', null]);
    assert.notEqual(active.agent.status().role, 'active');
  });

  it('to resume lifts the pause of a dead owner at a standby, which then takes over and ends it', async () => {
    const { clock, active, standby, settled } = await world();
    await settled(active.agent.orders.pause());
    await clock.pass(TIMINGS.intervalMs);
    active.kill();
    await clock.pass(3 * D);
    const { role, holdsBack, pause } = standby.agent.status();
    assert.deepEqual([role, holdsBack, pause?.by], ['standby', true, active.agent.status().node]);
    const resumed = await standby.agent.orders.resume();
    assert.deepEqual([resumed.outcome, resumed.pause], ['taken', null]);
    assert.ok(await clock.run(() => standby.agent.status().serving, clock.nowMs() + D));
    assert.deepEqual([standby.agent.status().holdsBack, standby.agent.status().pause], [false, null]);
  });

  it('to hand over is answered when the release is written, with a bound for who follows', async () => {
    const { clock, active, standby, settled } = await world();
    const { node, epoch } = active.agent.status();
    const handed = await settled(active.agent.orders.handOver(standby.agent.status().node, false));
    const { outcome, released, boundMs } = handed;
    assert.deepEqual([outcome, released, handed.epoch], ['taken', true, epoch]);
    assert.ok(await clock.run(() => standby.agent.status().serving, clock.nowMs() + boundMs));
    const { role, owner } = active.agent.status();
    assert.notDeepEqual([role, owner], ['active', node]);
  });

  it('to hand over that is refused is answered at once, and changes nothing', async () => {
    const { active, standby } = await world();
    const { node } = active.agent.status();
    const refused = await standby.agent.orders.handOver(node, true);
    assert.equal(refused.outcome, 'refused');
    assert.equal(active.agent.status().serving, true);
  });

  it('to one that has ended is refused', async () => {
    const { active, settled } = await world();
    await settled(active.agent.orders.release('exit'));
    const answers: (PauseAnswer | HandOverAnswer)[] = [
      await active.agent.orders.pause(),
      await active.agent.orders.resume(),
      await active.agent.orders.handOver('server-2', true),
    ];
    for (const { outcome, reason } of answers)
      assert.deepEqual([outcome, reason], ['refused', 'the agent has ended']);
  });
});
