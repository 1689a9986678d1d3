import assert from 'node:assert/strict';
import { Server, SharedDisk, TIMINGS, VirtualClock } from './world.fixture.ts';

describe('an agent that the machine does not run', () => {
  it('tells when it woke up more than T/2 too late, once, and how late', async () => {
    const clock = new VirtualClock();
    const server = new Server(clock, new SharedDisk(['server-1']), 'server-1', 0);
    void server.agent.run();
    await clock.pass(1100);
    clock.standStill(TIMINGS.intervalMs / 2);
    await clock.pass(1000);
    assert.deepEqual(server.said('late'), []);
    const before = clock.nowNs();
    clock.standStill(1000);
    const after = clock.nowNs();
    await clock.pass(1000);
    const [late, ...more] = server.said('late');
    assert.ok(late?.event === 'late' && more.length === 0);
    assert.ok(late.dueAt > before && late.dueAt <= before + TIMINGS.intervalMs * 1e6);
    assert.equal(late.lateMs, Math.round((after - late.dueAt) / 1e6));
  });
});
