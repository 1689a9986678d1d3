import assert from 'node:assert/strict';
import { arbiter } from './program.fixture.ts';
import { Cluster, twoServers } from './run.fixture.ts';

const NODES = ['server-1', 'server-2', 'server-3'];

/** The real programs, as in `run.test.ts`; server-3 has a slot and is never started. */
describe('arbiter handover', function () {
  // A dozen programs and a death or two; on a machine that is busy, many times what it takes alone.
  this.timeout(120_000);

  it('lets the named server follow without waiting for a death, and the former owner stand by', async () => {
    await using cluster = new Cluster();
    const { active, standby } = await twoServers(cluster, NODES);
    const { exitCode, stdout, stderr } = await handover(cluster, '--to', 'server-2');
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /^server-1: released epoch \d+ for server-2; server-2 is active with epoch \d+, \d+ ms later$/,
    );
    assert.equal(exitCode, 0);
    await standby.event('decided', { rule: 'R8' });
    await standby.event('service', { phase: 'started' });
    await active.event('released', { written: true, successor: 'server-2' });
    await active.event('role', { from: 'releasing', to: 'standby' });
  });

  it('is refused in one line, with its reason, and nothing has happened then', async () => {
    await using cluster = new Cluster();
    const { active } = await twoServers(cluster, NODES);
    // prettier-ignore
    const rows: [argv: string[], exitCode: number, stderr: RegExp][] = [
      [['--to', 'server-1'],                   64, /^arbiter: --to server-1: that is this server itself$/],
      [['--to', 'server-9'],                   64, /^arbiter: --to server-9: no slot is called 'server-9'; there are server-1, server-2, server-3$/],
      [['--to', 'server-3'],                   1,  /^arbiter: server-1: not handed over: server-3 shows no life: its slot was never seen to move; forced, others would have to wait D$/],
    ];
    for (const [argv, exitCode, stderr] of rows) {
      const said = await handover(cluster, ...argv);
      assert.match(said.stderr, stderr);
      assert.equal(said.exitCode, exitCode);
    }
    const elsewhere = await arbiter('handover', '-c', cluster.file('server-2.yaml'), '--to', 'server-1');
    assert.match(
      elsewhere.stderr,
      /^arbiter: server-2: not handed over: this server is not active \(standby\); server-1 owns the area with epoch \d+: ask there$/,
    );
    assert.equal(elsewhere.exitCode, 1);
    assert.ok(!active.lines.some((line) => line.event === 'role' && line.from === 'active'));
  });

  it('can be forced to a server that shows no life, and says who followed instead', async () => {
    await using cluster = new Cluster();
    const { standby } = await twoServers(cluster, NODES);
    const { exitCode, stdout } = await handover(cluster, '--to', 'server-3', '--force', '--json');
    const said = JSON.parse(stdout) as Record<string, unknown>;
    const { node, to, outcome, released, active } = said;
    assert.deepEqual([node, to, outcome, released], ['server-1', 'server-3', 'taken', true]);
    // Whoever let go goes last.
    assert.equal((active as { node: string }).node, 'server-2');
    assert.equal(exitCode, 1);
    await standby.event('decided', { rule: 'R1' });
  });
});

async function handover(cluster: Cluster, ...argv: readonly string[]) {
  return arbiter('handover', '-c', cluster.file('server-1.yaml'), ...argv);
}
