import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineWaiter } from '../bring-up.ts';
import type { World, WorldLine } from '../engine.ts';
import { dockerEngine } from './engine.ts';
import { dockerOrSkip, remains, run, storedLog, testLabId, worldSpec } from './engine.fixture.ts';
import { nameFor } from './labels.ts';

const isFrom = (line: WorldLine, server: string) => line.from === 'server' && line.server === server;

describe('a world of containers', function () {
  this.timeout(180_000);
  const labId = testLabId('world');
  const otherId = testLabId('other');
  const lines: WorldLine[] = [];
  const waiter = new LineWaiter((line) => void lines.push(line));
  let docker: Docker;
  let dir: string;
  let world: World;
  let other: World;

  before(async function () {
    docker = await dockerOrSkip(this);
    dir = await mkdtemp(join(tmpdir(), 'world-test-'));
    [world, other] = await Promise.all([
      dockerEngine.create(worldSpec(labId, dir, (line) => waiter.deliver(line))),
      dockerEngine.create(worldSpec(otherId, dir)),
    ]);
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    if (dir !== undefined) await rm(dir, { recursive: true });
  });

  async function started(server: string): Promise<void> {
    const seen = waiter.line((line) => isFrom(line, server), 20_000, `${server} to say something`);
    await world.startServer(server);
    await seen;
    await waiter.until(async () => (await world.status(server)) !== undefined, 20_000, `${server} to answer`);
  }

  it('stands beside another one, each on networks without a way out', async () => {
    const inspected = await Promise.all(
      [labId, otherId].flatMap((id) =>
        ['storage', 'service'].map((side) => docker.getNetwork(nameFor(id, side)).inspect()),
      ),
    );
    const subnets = inspected.map(({ IPAM }) => IPAM?.Config?.[0]?.Subnet);
    assert.equal(new Set(subnets).size, 4, subnets.join(' '));
    for (const { Name, Internal } of inspected) assert.equal(Internal, true, Name);
    assert.notEqual(world.storageUri('server-1'), other.storageUri('server-1'));
    const [, address = ''] = /nbd:\/\/(.*):/.exec(other.storageUri('server-1')) ?? [];
    const across = `timeout 1 bash -c 'exec 3<>/dev/tcp/${address}/10809' 2>/dev/null; echo $?`;
    assert.notEqual(
      (await run(docker, labId, 'storage', 'bash', '-c', across)).trim(),
      '0',
      'the other lab is reached',
    );
  });

  it('gives a server no capability, no way to gain one, no root and nothing to write to', async () => {
    await started('server-1');
    const status = await run(docker, labId, 'server-1', 'cat', '/proc/1/status');
    for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'CapInh']) {
      assert.match(status, new RegExp(`^${set}:\\s+0{16}$`, 'm'), set);
    }
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Uid:\s+10001\s/m);
    const writes = 'for d in / /app /etc /usr /var /data; do touch $d/x 2>/dev/null && echo $d; done; true';
    assert.equal(await run(docker, labId, 'server-1', 'sh', '-c', writes), '');
    assert.equal(await run(docker, labId, 'server-1', 'sh', '-c', 'iptables -L 2>/dev/null'), '');
  });

  it('gives NET_ADMIN to the holder of a server, and nothing else', async () => {
    const status = await run(docker, labId, 'server-1-net', 'cat', '/proc/1/status');
    assert.match(status, /^CapEff:\s+0000000000001000$/m, 'bit 12 is CAP_NET_ADMIN');
    assert.equal(
      await run(docker, labId, 'server-1-net', 'sh', '-c', 'touch /etc/x 2>/dev/null && echo written'),
      '',
    );
  });

  it("keeps the agent's configuration out of its environment", async () => {
    const pid = (await world.status('server-1'))?.pids.agent;
    const environment = await run(
      docker,
      labId,
      'server-1',
      'sh',
      '-c',
      `tr '\\0' '\\n' < /proc/${pid}/environ`,
    );
    assert.match(environment, /^HOME=/m);
    assert.doesNotMatch(environment, /LAB_AGENT_CONFIG/);
  });

  it('freezes a server, all of it, and thaws it', async () => {
    const before = await world.alive('server-1');
    assert.ok(before >= 2, `${before} processes`);
    await world.freeze('server-1');
    assert.equal(await world.alive('server-1'), before, 'frozen is not dead');
    assert.equal(await world.status('server-1'), undefined);
    await assert.rejects(
      world.stall('server-1', ['agent']),
      /frozen: its parts cannot be reached before it is thawed/,
    );
    await assert.rejects(world.stopServer('server-1'), /frozen: it cannot be asked to stop/);
    await world.thaw('server-1');
    assert.equal((await world.status('server-1'))?.node, 'server-1');
  });

  it('stalls some parts of a server and lets the others run', async () => {
    const { agent, guard } = (await world.status('server-1'))!.pids;
    // R, S and D are all of a process that goes on; T is one that was stopped.
    const states = async () =>
      (await run(docker, labId, 'server-1', 'ps', '-o', 'stat=', '-p', `${agent}`, '-p', `${guard}`))
        .split('\n')
        .map((state) => state.slice(0, 1).replace(/[RSD]/, 'on'));
    await world.stall('server-1', ['guard']);
    assert.deepEqual(await states(), ['on', 'T', '']);
    await world.stall('server-1', ['agent']);
    assert.deepEqual(await states(), ['T', 'T', '']);
    assert.equal(await world.status('server-1'), undefined);
    await world.unstall('server-1', ['agent', 'guard']);
    assert.deepEqual(await states(), ['on', 'on', '']);
    await assert.rejects(world.stall('server-1', ['service']), /server-1 has no service to stall/);
  });

  const meets = async () => {
    const [, address = ''] = /nbd:\/\/(.*):/.exec(world.storageUri('server-1')) ?? [];
    const probe = `timeout 0.4 bash -c 'exec 3<>/dev/tcp/${address}/10809' 2>/dev/null; echo $?`;
    return (await run(docker, labId, 'server-1', 'bash', '-c', probe)).trim();
  };

  it('cuts a server from storage silently, proves it, and mends it', async () => {
    const seen = await world.cut('server-1', 'drop');
    assert.match(seen, /^a new connection to [\d.]+:10809 met silence; [1-9]\d* packets stopped so far$/);
    assert.equal(await meets(), '124', 'timed out');
    await world.mend('server-1');
    assert.equal(await meets(), '0');
    await world.mend('server-1'); // nothing to mend, and no error
  });

  it('cuts a server from storage by reset: what is open ends and what is new is refused', async () => {
    const ended = waiter.line(
      (line) =>
        line.from === 'storage' &&
        line.line.event === 'disconnected' &&
        line.line.peer.startsWith(world.peerAddress('server-1')),
      10_000,
      'the storage node to see the reset',
    );
    const seen = await world.cut('server-1', 'reset');
    assert.match(seen, /met refused; [1-9]\d* packets stopped so far$/);
    await ended;
    assert.equal(await meets(), '1', 'refused');
    const networks = `ip -4 -o addr | grep -c ' inet 198[.]1[89][.]'`;
    assert.equal(
      (await run(docker, labId, 'server-1', 'sh', '-c', networks)).trim(),
      '2',
      'both networks are there',
    );
    await world.mend('server-1');
    assert.equal(await meets(), '0');
  });

  it('says so when a cut ended before it was mended', async () => {
    await world.cut('server-1', 'drop');
    await run(docker, labId, 'server-1-net', 'iptables', '--flush', 'ARBITER-LAB');
    await assert.rejects(
      world.mend('server-1'),
      /server-1-net: the cut had ended by itself before it was mended/,
    );
  });

  it('ends a cut that nobody keeps up', async () => {
    const link = (...argv: string[]) =>
      run(docker, labId, 'server-2-net', '/usr/local/lib/arbiter-lab/link', ...argv);
    const rules = () => run(docker, labId, 'server-2-net', 'iptables', '--list-rules', 'ARBITER-LAB');
    await link('cut', 'reset', '198.18.0.1', '1', '1');
    assert.match(await rules(), /REJECT/);
    await waiter.until(async () => !(await rules()).includes('REJECT'), 20_000, 'the cut to end');
  });

  it('kills a frozen server, and starts it again as a new incarnation', async () => {
    const former = await world.status('server-1');
    await world.freeze('server-1');
    await world.killServer('server-1');
    assert.equal(await world.alive('server-1'), 0);
    await world.killServer('server-1'); // dead already, and no error
    await started('server-1');
    assert.notEqual((await world.status('server-1'))?.incarnation, former?.incarnation);
  });

  it('stops a server and tells its exit code', async () => {
    assert.equal(await world.stopServer('server-1'), 0);
    assert.equal(await world.alive('server-1'), 0);
  });

  it('names a server that fails, with its last words', async () => {
    await assert.rejects(world.freeze('server-1'), (error: Error) => {
      assert.match(
        error.message,
        /^container arbiter-lab-test-world-\d+-server-1 cannot be paused: .*not running; it said last: /,
      );
      return true;
    });
    await assert.rejects(async () => world.killServer('server-9'), /no server is called server-9/);
  });

  it('asks the storage node over its control socket, and passes on what it refuses', async () => {
    assert.equal(typeof (await world.storageControl('GET', '/status')), 'object');
    await assert.rejects(world.storageControl('GET', '/nowhere'), /GET \/nowhere: .*nothing at \/nowhere/);
  });

  it('loses no line and doubles none when the storage node is killed and started again', async () => {
    assert.equal(await world.alive('storage'), 1);
    await world.killStorage();
    assert.equal(await world.alive('storage'), 0);
    await world.startStorage();
    await world.collect();
    const delivered = lines.flatMap((line) => (line.from === 'storage' ? [line.line] : []));
    const stored = (await storedLog(docker, labId, 'storage')).trim().split('\n');
    assert.deepEqual(
      delivered,
      stored.map((line) => JSON.parse(line) as unknown),
    );
    assert.equal(delivered.filter(({ event }) => event === 'gate-started').length, 2);
  });

  it('hands out the disks of the stopped storage node', async () => {
    assert.equal((await stat(join(dir, 'quorum.img'))).size, 64 * 1024);
    assert.equal((await stat(join(dir, 'data.img'))).size, 1024 * 1024);
    assert.match(await readFile(join(dir, 'quorum.img'), 'latin1'), /server-1/);
  });

  it('leaves nothing when it is brought down, however often, and its neighbour alone', async () => {
    await world[Symbol.asyncDispose]();
    assert.deepEqual(await remains(docker, labId), []);
    await world[Symbol.asyncDispose]();
    assert.equal(
      (await remains(docker, otherId)).length,
      9,
      'storage, client, two servers, two holders, two networks, a volume',
    );
  });

  it('leaves nothing when it cannot be brought up', async () => {
    const spec = worldSpec(testLabId('bad'), dir);
    const bad = { ...spec, timings: { ...spec.timings, misses: 1 } };
    await assert.rejects(dockerEngine.create(bad), /arbiter init ended with 64: /);
    assert.deepEqual(await remains(docker, bad.labId), []);
  });
});
