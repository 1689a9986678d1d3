import assert from 'node:assert/strict';
import type Docker from 'dockerode';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineWaiter } from '../bring-up.ts';
import type { MemberEnd, World, WorldLine } from '../engine.ts';
import { started, type Trial, worldClaims, worldEndClaims } from '../world-claims.fixture.ts';
import { testLabId, worldSpec } from '../world-spec.fixture.ts';
import { dockerEngine } from './engine.ts';
import { dockerOrSkip, remains, run, storedLog } from './engine.fixture.ts';
import { nameFor } from './labels.ts';

describe('a world of containers', function () {
  this.timeout(180_000);
  const labId = testLabId('world');
  const otherId = testLabId('other');
  const lines: WorldLine[] = [];
  const ends: MemberEnd[] = [];
  const waiter = new LineWaiter((line) => void lines.push(line));
  let docker: Docker;
  let dir: string;
  let world: World;
  let other: World;

  before(async function () {
    docker = await dockerOrSkip(this);
    dir = await mkdtemp(join(tmpdir(), 'world-test-'));
    [world, other] = await Promise.all([
      dockerEngine.create(
        worldSpec(labId, dir, {
          onLine: (line) => waiter.deliver(line),
          onEnd: (end) => void ends.push(end),
        }),
      ),
      dockerEngine.create(worldSpec(otherId, dir)),
    ]);
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    if (dir !== undefined) await rm(dir, { recursive: true });
  });

  const trial = (): Trial => ({
    ...{ world, dir, waiter, lines, ends },
    async stateOf(server, pid) {
      // R, S and D are all of a process that goes on; T is one that was stopped.
      const state = (await run(docker, labId, server, 'ps', '-o', 'stat=', '-p', `${pid}`)).slice(0, 1);
      return state === '' ? 'gone' : state === 'T' ? 'stopped' : 'on';
    },
    async killFromOutside(server, pid) {
      await run(docker, labId, server, 'kill', '-KILL', `${pid}`);
    },
  });

  worldClaims(trial);

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
    await started(trial(), 'server-1');
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

  it('names a server that fails, with its last words', async () => {
    await world.killServer('server-1');
    await assert.rejects(world.freeze('server-1'), (error: Error) => {
      assert.match(
        error.message,
        /^container arbiter-lab-test-world-\d+-server-1 cannot be paused: .*not running; it said last: /,
      );
      return true;
    });
  });

  it('loses no line and doubles none of a storage node that was killed and started again', async () => {
    await world.killStorage();
    await world.startStorage();
    await world.killStorage();
    const delivered = lines.flatMap((line) => (line.from === 'storage' ? [line.line] : []));
    const stored = (await storedLog(docker, labId, 'storage')).trim().split('\n');
    assert.deepEqual(
      delivered,
      stored.map((line) => JSON.parse(line) as unknown),
    );
    await world.startStorage();
  });

  worldEndClaims(trial);

  it('leaves nothing when it is brought down, and its neighbour alone', async () => {
    assert.deepEqual(await remains(docker, labId), []);
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
