import assert from 'node:assert/strict';
import { arbiter } from './program.fixture.ts';
import { Cluster, twoServers } from './run.fixture.ts';

/** The real programs, as in `run.test.ts`. */
describe('arbiter pause and resume', function () {
  // A dozen programs and a death or two; on a machine that is busy, many times what it takes alone.
  this.timeout(120_000);

  it('keep everybody from taking over, loudly, until somebody resumes at a standby', async () => {
    await using cluster = new Cluster();
    const { active, standby } = await twoServers(cluster, ['server-1', 'server-2']);
    const paused = await ask(cluster, 'pause', 'server-1');
    assert.match(
      paused.stdout,
      /^server-1: PAUSED by server-1 since 20\S+Z: nobody takes over until `arbiter resume`$/,
    );
    assert.equal(paused.exitCode, 0);
    await active.event('paused', { by: 'server-1' });
    await standby.event('paused', { by: 'server-1' });
    const shown = await arbiter('status', '-c', cluster.file('server-2.yaml'));
    assert.match(shown.stdout, /^PAUSED +by server-1 since 20\S+Z: nobody takes over$/m);
    const seen = await arbiter('status', cluster.quorum);
    assert.match(seen.stdout, /^PAUSED +by server-1 since 20\S+Z: nobody takes over$/m);

    // While the owner is alive it is the one to ask.
    const early = await ask(cluster, 'resume', 'server-2');
    assert.match(
      early.stderr,
      /^arbiter: server-2: not resumed: server-1 may be alive: ask there, or here once it has been silent for D$/,
    );
    assert.equal(early.exitCode, 1);

    active.kill('SIGKILL');
    await standby.event('takeover-held', { rule: 'R1', by: 'server-1' });
    const held = await arbiter('status', '-c', cluster.file('server-2.yaml'));
    assert.match(held.stdout, /^ +it would take over now, and does not: see `arbiter resume`$/m);
    assert.ok(!standby.lines.some((line) => line.event === 'decided'));

    const resumed = await ask(cluster, 'resume', 'server-2');
    assert.equal(resumed.stdout, 'server-2: resumed: this server may take over');
    await standby.event('service', { phase: 'started' });
    const after = await arbiter('status', cluster.quorum, '--json');
    const { record } = JSON.parse(after.stdout) as { record: { node: string; pause: unknown } };
    assert.deepEqual([record.node, record.pause], ['server-2', null]);
  });

  it('are for the active server to carry out, and may be asked twice', async () => {
    await using cluster = new Cluster();
    const { standby } = await twoServers(cluster, ['server-1', 'server-2']);
    const elsewhere = await ask(cluster, 'pause', 'server-2');
    assert.match(
      elsewhere.stderr,
      /^arbiter: server-2: not paused: this server is not active \(standby\); server-1 owns/,
    );
    assert.equal(elsewhere.exitCode, 1);
    for (const again of [false, true]) {
      const { stdout, exitCode } = await ask(cluster, 'pause', 'server-1', '--json');
      const said = JSON.parse(stdout) as { reason: string; pause: { by: string } };
      assert.deepEqual([said.pause.by, exitCode], ['server-1', 0]);
      assert.equal(said.reason, again ? 'paused already, by server-1' : 'the next heartbeat carries it');
    }
    for (const reason of ['the next heartbeat carries none', 'there was no pause']) {
      assert.equal((await ask(cluster, 'resume', 'server-1')).stdout, `server-1: resumed: ${reason}`);
    }
    await standby.event('resumed', { reason: 'the record carries no pause any more' });
  });

  it('keep nobody from handing over, and everybody from following a mere release', async () => {
    await using cluster = new Cluster();
    const { standby } = await twoServers(cluster, ['server-1', 'server-2']);
    await ask(cluster, 'pause', 'server-1');
    const handed = await ask(cluster, 'handover', 'server-1', '--to', 'server-2');
    assert.equal(handed.stderr, '');
    assert.match(handed.stdout, /; server-2 is active with epoch/);
    await standby.event('service', { phase: 'started' });
    const released = await ask(cluster, 'release', 'server-2', '--stay');
    assert.match(
      released.stdout,
      /^server-2: released epoch \d+; PAUSED: nobody takes over until somebody resumes; the agent stays as a standby$/,
    );
    await standby.event('warning', {
      text: 'released while paused: nobody takes over until somebody resumes',
    });
    await standby.event('takeover-held');
  });
});

async function ask(cluster: Cluster, order: string, node: string, ...argv: readonly string[]) {
  return arbiter(order, '-c', cluster.file(`${node}.yaml`), ...argv);
}
