import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { sectorsOf } from '../area/area.fixture.ts';
import { sealBlock } from '../area/block.ts';
import { STUBBORN, Witness } from '../host/witness.fixture.ts';
import type { AgentStatus } from '../ports/status.ts';
import { arbiter } from './program.fixture.ts';
import { Cluster, type Running } from './run.fixture.ts';
import type { JournalLine } from '../ports/journal.ts';

describe('arbiter run', function () {
  this.timeout(30_000);
  const isServing = (line: JournalLine) => line.event === 'service' && line.phase === 'started';

  async function statusOf(cluster: Cluster, node: string): Promise<AgentStatus> {
    const { stdout } = await arbiter('status', '-c', cluster.file(`${node}.yaml`), '--json');
    return JSON.parse(stdout) as AgentStatus;
  }

  it('brings up one service of three, and after a kill another one, with the first one gone', async () => {
    await using cluster = new Cluster();
    const storage = await cluster.startStorage();
    const nodes = ['server-1', 'server-2', 'server-3'];
    await cluster.layOut(nodes);
    const witnesses = nodes.map((node) => new Witness(cluster.path, `${node}.fifo`));
    const script = `echo "$ARBITER_NODE $ARBITER_EPOCH $ARBITER_DATA_URI" >&9; ${STUBBORN}`;
    const agents = nodes.map((node, i) =>
      cluster.start(node, { service: { command: witnesses[i]!.service(script) } }),
    );
    const first = await firstOf(agents, isServing);
    const witness = witnesses[first]!;
    assert.equal(await witness.line(), 'up');
    const [name, epoch, uri] = (await witness.line()).split(' ');
    const { incarnation, epoch: journalled } = (await agents[first]!.line(isServing)) as JournalLine & {
      epoch: number;
    };
    assert.equal(name, nodes[first]);
    assert.equal(Number(epoch), journalled);
    const exported = `data@${name}.${epoch}.${incarnation.slice(0, 8)}`;
    assert.equal(uri, cluster.storage.replace('?', `${exported}?`));
    assert.ok(storage.lines.some((line) => line.event === 'admitted' && line.export === exported));

    agents[first]!.kill('SIGKILL');
    await witness.ended;
    const others = agents.filter((_, i) => i !== first);
    const next = others[await firstOf(others, isServing)]!;
    const taken = (await next.line(isServing)) as JournalLine & { epoch: number };
    assert.ok(taken.epoch > journalled);

    // The killed one comes back as a standby; the new one leaves cleanly.
    const back = cluster.start(name!, { service: { command: ['sleep', '1000'] } });
    await back.event('role', { to: 'standby' });
    next.kill('SIGTERM');
    assert.equal(await next.ended, 0);
    assert.equal(((await next.event('released')) as JournalLine & { written: boolean }).written, true);
  });

  it('ends what a killed predecessor left running before it does anything else', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage();
    await cluster.layOut(['server-1']);
    const witness = new Witness(cluster.path);
    const agent = cluster.start('server-1', { service: { command: witness.service(STUBBORN) } });
    await agent.line(isServing);
    const { pids } = await statusOf(cluster, 'server-1');
    process.kill(pids.guard!, 'SIGSTOP');
    agent.kill('SIGKILL');
    process.kill(pids.guard!, 'SIGKILL');
    await agent.ended;
    const next = cluster.start('server-1');
    const warning = (await next.event('warning')) as JournalLine & { text: string };
    assert.match(warning.text, /^ended what a former agent had left running: processes [\d, ]+$/);
    assert.ok(warning.text.includes(String(pids.service)));
    await witness.ended;
    const started = next.lines.findIndex(({ event }) => event === 'agent-started');
    assert.ok(started < 0 || started > next.lines.findIndex(({ event }) => event === 'warning'));
  });

  it('told to end a second time, kills the service and leaves with 128 + the signal', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage();
    await cluster.layOut(['server-1'], { misses: 6, interval: 300, settle: 300, deadline: 100, grace: 600 });
    const witness = new Witness(cluster.path);
    const agent = cluster.start('server-1', { service: { command: witness.service(STUBBORN) } });
    await agent.line(isServing);
    agent.kill('SIGTERM');
    await agent.event('service', { phase: 'stopping' });
    agent.kill('SIGINT');
    assert.equal(await agent.ended, 130);
    await witness.ended;
  });

  it('waits for a storage that is not there, says so, and goes on when it comes', async () => {
    await using cluster = new Cluster();
    const former = await cluster.startStorage();
    await cluster.layOut(['server-1']);
    former.kill('SIGKILL');
    await former.ended;
    const agent = cluster.start('server-1');
    const blind = (await agent.event('blind', { healed: false })) as JournalLine & { reason: string };
    assert.match(blind.reason, /^nbd\+unix:.*: not connected: connect ECONNREFUSED/);
    const status = await statusOf(cluster, 'server-1');
    assert.deepEqual([status.role, status.blind, status.cluster], ['starting', true, '']);
    await cluster.startStorage();
    await agent.event('blind', { healed: true });
    await agent.event('agent-started');
    assert.equal(agent.lines.filter(({ event }) => event === 'blind').length, 2);
  });

  it('leaves when another server goes by its name, before it claims anything', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage();
    await cluster.layOut(['server-1', 'server-2']);
    const first = cluster.start('server-1');
    await first.line(isServing);
    const second = cluster.start('server-1', {
      state: cluster.file('elsewhere.state'),
      status: `unix:${cluster.file('elsewhere.sock')}`,
    });
    assert.equal(await second.ended, 3);
    assert.match(
      second.stderr,
      /^arbiter: identity conflict: incarnation [0-9a-f]{8} writes slot 0, too; two agents share the identity of server-1\n$/,
    );
    assert.ok(
      !second.lines.some((line) => line.event === 'role' && line.to !== 'ended'),
      'it became something',
    );
  });

  it('leaves when told to while it waits for its storage', async () => {
    await using cluster = new Cluster();
    const agent = cluster.start('server-1');
    await agent.event('blind');
    agent.kill('SIGTERM');
    assert.equal(await agent.ended, 0);
  });

  it('releases and stays when asked to, and leaves when asked to', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage();
    await cluster.layOut(['server-1']);
    const agent = cluster.start('server-1');
    await agent.line(isServing);
    const config = cluster.file('server-1.yaml');
    const stay = await arbiter('release', '-c', config, '--stay');
    assert.match(stay.stdout, /^server-1: released epoch \d+; the agent stays as a standby$/);
    assert.equal(stay.exitCode, 0);
    const before = agent.lines.length;
    await agent.line(isServing, before);
    const leave = await arbiter('release', '-c', config, '--json');
    const answer = JSON.parse(leave.stdout) as Record<string, unknown>;
    assert.deepEqual([answer['node'], answer['released'], answer['stays']], ['server-1', true, false]);
    assert.equal(await agent.ended, 0);
    const nobody = await arbiter('release', '-c', config);
    assert.equal(nobody.exitCode, 3);
    assert.match(nobody.stderr, /^arbiter: unix:.*: no agent answers there: connect ENOENT/);
    const resumed = await arbiter('resume', '-c', config);
    assert.match(
      resumed.stderr,
      /^arbiter: unix:.*: no agent answers there: .*; ask a standby when it is dead$/m,
    );
  });

  it('runs the literal procedure without guard and fencing when it must, and warns of each', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage();
    await cluster.layOut(['server-1']);
    const unsafe = { protocol: 'literal', fencing: 'none', guard: false, unsafe: true };
    const witness = new Witness(cluster.path);
    const argv = witness.service(`echo "$ARBITER_EPOCH $ARBITER_DATA_URI" >&9; exec sleep 1000`);
    const agent = cluster.start('server-1', { ...unsafe, service: { command: argv } });
    await agent.line(isServing);
    assert.equal(await witness.line(), 'up');
    assert.equal(await witness.line(), `0 ${cluster.storage.replace('?', 'data@server-1.0?')}`);
    const warnings = agent.lines.flatMap((line) =>
      line.event === 'warning' ? [line.text.split(':')[0]] : [],
    );
    assert.deepEqual(warnings, ['protocol', 'fencing', 'guard']);
    agent.kill('SIGTERM');
    assert.equal(await agent.ended, 0);
    await witness.ended;
  });

  describe('refuses, in one line,', () => {
    const oneLine = (stderr: string) => {
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      return stderr.trimEnd();
    };
    const onFile = (cluster: Cluster, changes: Record<string, unknown> = {}) =>
      cluster.configure('server-1', {
        quorum: `file://${cluster.file('disk')}`,
        data: `file://${cluster.file('data')}`,
        fencing: 'none',
        unsafe: true,
        ...changes,
      });

    it('an area that was never laid out', async () => {
      await using cluster = new Cluster();
      writeFileSync(cluster.file('disk'), new Uint8Array(65536));
      const { exitCode, stderr } = await arbiter('run', '-c', onFile(cluster));
      assert.equal(exitCode, 3);
      assert.match(
        oneLine(stderr),
        /^arbiter: .*\/disk: not formatted; `arbiter init` lays out a quorum area$/,
      );
    });

    it('an area of another cluster', async () => {
      await using cluster = new Cluster();
      writeFileSync(cluster.file('disk'), Buffer.concat(sectorsOf(512)));
      const mine = 'f'.repeat(32);
      const { exitCode, stderr } = await arbiter('run', '-c', onFile(cluster, { cluster: mine }));
      assert.equal(exitCode, 3);
      assert.match(
        oneLine(stderr),
        new RegExp(`^arbiter: .*/disk: an area of another cluster: [0-9a-f]{32}, and the file says ${mine}$`),
      );
    });

    it('an area of a newer version', async () => {
      await using cluster = new Cluster();
      const sectors = sectorsOf(512);
      sectors[0]![11] = 9;
      sealBlock(sectors[0]!);
      writeFileSync(cluster.file('disk'), Buffer.concat(sectors));
      const { exitCode, stderr } = await arbiter('run', '-c', onFile(cluster));
      assert.equal(exitCode, 3);
      assert.match(oneLine(stderr), /header written by a newer version 9; this program knows 1$/);
    });

    it('a node that has no slot, naming those that have one', async () => {
      await using cluster = new Cluster();
      writeFileSync(cluster.file('disk'), Buffer.concat(sectorsOf(512)));
      const { exitCode, stderr } = await arbiter('run', '-c', onFile(cluster, { node: 'server-9' }));
      assert.equal(exitCode, 64);
      assert.match(
        oneLine(stderr),
        /^arbiter: node: 'server-9': no slot of file:.*\/disk is called so; there are server-1, server-2/,
      );
    });

    it('a disk that is not there', async () => {
      await using cluster = new Cluster();
      const { exitCode, stderr } = await arbiter('run', '-c', onFile(cluster));
      assert.equal(exitCode, 3);
      assert.match(oneLine(stderr), /^arbiter: .*disk/);
    });

    it('a second agent with the same state directory', async () => {
      await using cluster = new Cluster();
      const agent = cluster.start('server-1');
      await agent.event('blind');
      const { exitCode, stderr } = await arbiter('run', '-c', cluster.file('server-1.yaml'));
      assert.equal(exitCode, 3);
      assert.equal(
        oneLine(stderr),
        `arbiter: another agent runs with the state directory ${cluster.file('server-1.state')}`,
      );
    });

    it('a status address where somebody answers', async () => {
      await using cluster = new Cluster();
      const taken = createServer().listen(cluster.file('server-1.sock'));
      await once(taken, 'listening');
      const { exitCode, stderr } = await arbiter('run', '-c', cluster.configure('server-1'));
      taken.close();
      assert.equal(exitCode, 3);
      assert.equal(oneLine(stderr), `arbiter: ${cluster.status('server-1')}: another process answers there`);
    });

    it('a configuration that breaks a rule', async () => {
      await using cluster = new Cluster();
      const { exitCode, stderr } = await arbiter(
        'run',
        '-c',
        cluster.configure('server-1', { guard: false }),
      );
      assert.equal(exitCode, 64);
      assert.match(oneLine(stderr), /guard: false needs `unsafe: true`/);
    });
  });

  async function firstOf(
    agents: Running<JournalLine>[],
    fits: (line: JournalLine) => boolean,
  ): Promise<number> {
    return Promise.any(agents.map((agent, i) => agent.line(fits).then(() => i)));
  }
});
