import assert from 'node:assert/strict';
import { encodeHeader } from '../area/header.ts';
import { recordOffset } from '../area/layout.ts';
import { decodeRecord } from '../area/record.ts';
import type { Event } from '../protocol/types.ts';
import type { Procedure } from './setup.ts';
import { safe, Server, SharedDisk, TIMINGS, VirtualClock } from './world.fixture.ts';

const NODES = ['server-1', 'server-2'];
const D = TIMINGS.misses * TIMINGS.intervalMs;

describe('an agent', () => {
  function world(nodes = NODES) {
    const clock = new VirtualClock();
    const disk = new SharedDisk(nodes);
    const servers = nodes.map((node, index) => new Server(clock, disk, node, index)) as [Server, Server];
    const record = () =>
      decodeRecord(disk.bytes.subarray(recordOffset(512), recordOffset(512) + 512), undefined);
    const serving = () => servers.filter((server) => server.agent.status().serving);
    return { clock, disk, servers, record, serving };
  }

  it('alone on a new area becomes active and runs its service with all it has to know', async () => {
    const { clock, disk, servers, record, serving } = world();
    const [server] = servers;
    void server.agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    const { epoch } = server.agent.status();
    assert.deepEqual(server.service, {
      ARBITER_NODE: 'server-1',
      ARBITER_EPOCH: String(epoch),
      ARBITER_INCARNATION: '1'.repeat(32),
      ARBITER_DATA_URI: `memory:${epoch}`,
      ARBITER_CLUSTER: disk.header.clusterId,
    });
    const reading = record();
    assert.ok(reading.kind === 'valid' && reading.value.status === 1 && reading.value.node === 'server-1');
  });

  it('that is killed is replaced by the other one, under a higher epoch', async () => {
    const { clock, servers, serving } = world();
    for (const { agent } of servers) void agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    const [old] = serving();
    const oldEpoch = old!.agent.status().epoch;
    const killedAtMs = clock.nowMs();
    old!.kill();
    const other = servers.find((server) => server !== old)!;
    assert.ok(await clock.run(() => other.agent.status().serving));
    const { epoch, role } = other.agent.status();
    assert.equal(role, 'active');
    assert.ok(epoch > oldEpoch);
    // Virtual time: this is the protocol's own bound, and no machine is in it.
    assert.ok(clock.nowMs() - killedAtMs >= 0.85 * D && clock.nowMs() - killedAtMs < 2 * D);
  });

  it('keeps to one record operation and one slot write at a time, however slow the disk', async () => {
    const { clock, servers, serving } = world();
    for (const [i, server] of servers.entries()) {
      server.latencyMs = ({ startedAtMs }) => 20 + ((startedAtMs * (i + 3)) % 90);
      void server.agent.run();
    }
    assert.ok(await clock.run(() => serving().length === 1));
    await clock.pass(20 * D);
    for (const server of servers) {
      assert.deepEqual(server.mostUnderWay, { record: 1, slot: 1 });
      assert.ok(server.requests.length > 150);
    }
    assert.equal(serving().length, 1);
  });

  it('does not let a slot write delay a heartbeat', async () => {
    const { clock, servers, serving } = world();
    const [server] = servers;
    void server.agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    const writes = () =>
      server.requests.filter(({ op, offset }) => op === 'write' && offset === recordOffset(512));
    server.latencyMs = ({ offset, op }) => (op === 'write' && offset !== recordOffset(512) ? 10_000 : 3);
    const before = writes().length;
    await clock.pass(10 * TIMINGS.intervalMs);
    assert.ok(writes().length - before >= 9, `${writes().length - before} heartbeats in ten intervals`);
    assert.ok(serving().length === 1);
  });

  it('tells the guard of every lease', async () => {
    const { clock, servers, serving } = world();
    const [server] = servers;
    void server.agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    for (let beat = 0; beat < 3; beat++) {
      await clock.pass(TIMINGS.intervalMs);
      const lease = server.said('lease').at(-1);
      assert.ok(lease?.event === 'lease');
      assert.equal(Math.round(server.leaseEndsAtMs * 1e6), lease.endsAt);
    }
  });

  it('releases when it is told to leave, and the other one takes over without waiting', async () => {
    const { clock, servers, record, serving } = world();
    const ends = servers.map(({ agent }) => agent.run());
    assert.ok(await clock.run(() => serving().length === 1));
    await clock.pass(D);
    const [old] = serving();
    const other = servers.find((server) => server !== old)!;
    const epoch = old!.agent.status().epoch;
    const askedAtMs = clock.nowMs();
    const released = old!.agent.orders.release('exit');
    assert.ok(await clock.run(() => old!.agent.ailment() === 'the agent has ended'));
    assert.deepEqual(await released, {
      owned: true,
      released: true,
      epoch,
      paused: false,
      reason: 'the area is free',
    });
    assert.deepEqual(await ends[servers.indexOf(old!)], {
      exitCode: 0,
      reason: 'a clean stop was asked for',
    });
    assert.equal(old!.service, undefined);
    const reading = record();
    assert.ok(reading.kind === 'valid' && reading.value.status === 0 && reading.value.node === '');
    assert.ok(await clock.run(() => other.agent.status().serving));
    assert.ok(clock.nowMs() - askedAtMs < D);
  });

  it('may release and stay', async () => {
    const { clock, servers, serving } = world();
    for (const { agent } of servers) void agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    await clock.pass(D);
    const [old] = serving();
    let outcome: unknown;
    void old!.agent.orders.release('observe').then((done) => (outcome = done));
    assert.ok(await clock.run(() => outcome !== undefined));
    assert.equal((outcome as { released: boolean }).released, true);
    assert.equal(old!.agent.status().role, 'standby');
  });

  it('has nothing to release as a standby, and says so', async () => {
    const { clock, servers } = world();
    const [server] = servers;
    const ended = server.agent.run();
    await clock.pass(TIMINGS.intervalMs);
    const released = await server.agent.orders.release('exit');
    assert.deepEqual(released, {
      owned: false,
      released: false,
      epoch: 0,
      paused: false,
      reason: 'nothing to release as starting',
    });
    assert.deepEqual(await ended, { exitCode: 0, reason: 'a clean stop was asked for' });
    const { length } = server.requests;
    await clock.pass(D);
    assert.equal(server.requests.length, length, 'it is over');
  });

  it('waits for a storage that does not answer yet, and says so once', async () => {
    const { clock, servers, serving } = world();
    const [server] = servers;
    server.refusal = 'read of 2048 bytes failed with NBD error 5 (EIO)';
    void server.agent.run();
    await clock.pass(5 * TIMINGS.intervalMs);
    assert.deepEqual([server.agent.status().role, server.agent.status().blind], ['starting', true]);
    assert.equal(server.agent.ailment(), 'blind: reads of the quorum area fail');
    assert.deepEqual(server.said('blind'), [
      { event: 'blind', healed: false, reason: server.refusal, failures: 1 },
    ]);
    server.refusal = undefined;
    assert.ok(await clock.run(() => serving().length === 1));
    assert.equal(server.said('blind').length, 2);
    assert.equal(server.agent.status().blind, false);
    assert.equal(server.agent.ailment(), undefined);
  });

  it('can be told to leave while it waits for its storage', async () => {
    const { clock, servers } = world();
    const [server] = servers;
    server.refusal = 'not connected';
    const ended = server.agent.run();
    await clock.pass(TIMINGS.intervalMs);
    await server.agent.orders.release('exit');
    assert.equal((await ended).exitCode, 0);
  });

  it('ends when the header changes under it, before the first read or after', async () => {
    const other = { ...TIMINGS, intervalMs: 500 };
    for (const late of [false, true]) {
      const { clock, disk, servers } = world();
      const ended = servers[0].agent.run();
      if (late) await clock.pass(D / 2);
      disk.bytes.set(encodeHeader({ ...disk.header, timings: other }), 0);
      await clock.pass(D);
      const { exitCode, reason } = await ended;
      assert.equal(exitCode, 3);
      assert.match(reason, /header.*changed/);
    }
  });

  it('brings up a service again that was refused its epoch, under a higher one (R7)', async () => {
    const { clock, servers, serving } = world();
    const [server] = servers;
    server.access = (epoch) =>
      epoch > 50
        ? { kind: 'granted' }
        : { kind: 'refused', grantedEpoch: 50, reason: 'last granted epoch 50' };
    void server.agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    assert.ok(server.agent.status().epoch > 50);
    assert.equal(server.service?.['ARBITER_EPOCH'], String(server.agent.status().epoch));
    assert.ok(server.said('access').some((entry) => 'grantedEpoch' in entry && entry.grantedEpoch === 50));
  });

  it('asks again when access to the data area is lost, and stays active', async () => {
    const { clock, servers, serving } = world();
    const [server] = servers;
    void server.agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    const { epoch } = server.agent.status();
    server.loseAccess(epoch, 'closed by the server');
    await clock.pass(2 * TIMINGS.intervalMs);
    const outcomes = server.said('access').map((entry) => 'outcome' in entry && entry.outcome);
    assert.deepEqual(outcomes.slice(-4), ['lost', 'obtaining', 'granted', 'verified']);
    assert.equal(serving().length, 1);
  });

  it('lets another server take over when its service ends by itself', async () => {
    const { clock, servers, serving } = world();
    for (const { agent } of servers) void agent.run();
    assert.ok(await clock.run(() => serving().length === 1));
    await clock.pass(D);
    const [old] = serving();
    old!.endService('it exited with code 1');
    assert.ok(await clock.run(() => serving().length === 1 && serving()[0] !== old));
    assert.ok(old!.said('released').length === 1);
  });

  it('is called stuck when nothing happens any more', async () => {
    const { clock, servers } = world();
    const [server] = servers;
    void server.agent.run();
    await clock.pass(D);
    assert.equal(server.agent.ailment(), undefined);
    server.kill();
    await clock.pass(2 * D);
    assert.match(server.agent.ailment() ?? '', /^stuck: nothing has happened for \d+ ms$/);
  });

  it('rejects when its protocol breaks its own rules, and does nothing more', async () => {
    const clock = new VirtualClock();
    const disk = new SharedDisk(NODES);
    const broken = {
      ...safe,
      step: (state: never, event: Event) => ({
        ...safe.step(state, event),
        effects: [{ do: 'read' }, { do: 'read' }],
      }),
    } as unknown as Procedure<unknown>;
    const server = new Server(clock, disk, 'server-1', 0, broken);
    const ended = server.agent.run();
    ended.catch(() => {});
    await clock.pass(D);
    await assert.rejects(ended, { message: 'agent: two record operations at a time' });
    assert.equal(server.agent.ailment(), 'the agent has ended');
  });

  it('hands events to the protocol one at a time, their instants never going back', async () => {
    const clock = new VirtualClock();
    const disk = new SharedDisk(NODES);
    let depth = 0;
    let lastAt = 0;
    let events = 0;
    const watched = {
      ...safe,
      step: (state: never, event: Event) => {
        assert.equal(depth, 0);
        assert.ok(event.at >= lastAt, `${event.kind} at ${event.at} after ${lastAt}`);
        lastAt = event.at;
        events += 1;
        depth += 1;
        try {
          return safe.step(state, event);
        } finally {
          depth -= 1;
        }
      },
    } as unknown as Procedure<unknown>;
    const server = new Server(clock, disk, 'server-1', 0, watched);
    void server.agent.run();
    assert.ok(await clock.run(() => server.agent.status().serving));
    await clock.pass(10 * D);
    assert.ok(events > 100);
  });
});
