import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { STUBBORN, Witness } from '../host/witness.fixture.ts';
import type { AuditLine } from '../ports/audit.ts';
import type { JournalLine } from '../ports/journal.ts';
import { key, needsOpenssl, Pki } from '../tls/pki.fixture.ts';
import { arbiter } from './program.fixture.ts';
import { Cluster } from './run.fixture.ts';

describe('arbiter under TLS', function () {
  this.timeout(60_000);
  const isServing = (line: JournalLine) => line.event === 'service' && line.phase === 'started';
  let pki: Pki;
  before(() => (pki = new Pki()));
  after(() => pki[Symbol.dispose]());

  const nodes = ['server-1', 'server-2'];
  const keys = { 'server-1': key(1), 'server-2': key(2), admin: key(3) };
  const byKey = (cluster: Cluster, identity: string, name = ''): string =>
    `nbds+unix://${identity}@/${name}?socket=${cluster.file('storage.sock')}&tls-psk-file=${pki.file('keys.psk')}`;
  const byCertificate = (cluster: Cluster, directory: string, name = ''): string =>
    `nbds+unix:///${name}?socket=${cluster.file('storage.sock')}` +
    `&tls-certificates=${directory}&tls-hostname=localhost`;

  it('serves by the keys of two nodes, gives the service a URI that works, and takes over', async () => {
    await using cluster = new Cluster();
    const storage = await cluster.startStorage('--tls-psk', pki.psk('keys.psk', keys));
    await cluster.layOut(nodes, undefined, byKey(cluster, 'admin', 'quorum'));
    const start = (node: string, service: Record<string, unknown> = {}) =>
      cluster.start(node, {
        quorum: byKey(cluster, node, 'quorum'),
        data: byKey(cluster, node),
        ...service,
      });
    const witness = new Witness(cluster.path, 'fifo');
    const script = `echo "$ARBITER_EPOCH $ARBITER_DATA_URI" >&9; ${STUBBORN}`;
    const first = start('server-1', { service: { command: witness.service(script) } });
    await first.line(isServing);
    assert.equal(await witness.line(), 'up');
    const [epoch, uri] = (await witness.line()).split(' ');
    const { incarnation } = first.lines[0]!;
    const name = `data@server-1.${epoch}.${incarnation.slice(0, 8)}`;
    assert.equal(uri, byKey(cluster, 'server-1', name));
    const { exitCode, stderr } = await arbiter('dump', uri);
    assert.deepEqual(
      [exitCode, stderr],
      [3, `arbiter: ${uri}: not formatted; \`arbiter init\` lays out a quorum area`],
    );

    const second = start('server-2');
    await second.event('role', { to: 'standby' });
    first.kill('SIGKILL');
    await second.line(isServing);
    const admitted = storage.lines.filter(
      (line): line is AuditLine & { event: 'admitted' } => line.event === 'admitted',
    );
    for (const line of admitted) assert.equal(line.identity, line.node);
    assert.equal(admitted.at(-1)!.node, 'server-2');
  });

  it("does not serve by another node's certificate, and says why", async function () {
    needsOpenssl(this);
    await using cluster = new Cluster();
    const storage = await cluster.startStorage('--tls-certificates', pki.server());
    const stranger = pki.client({ name: 'server-2' });
    await cluster.layOut(nodes, undefined, byCertificate(cluster, stranger, 'quorum'));
    const agent = cluster.start('server-1', {
      quorum: byCertificate(cluster, stranger, 'quorum'),
      data: byCertificate(cluster, stranger),
    });
    const refused = await agent.event('access', { outcome: 'refused' });
    const reason = "the TLS identity 'server-2' is not the node 'server-1'";
    assert.match((refused as { reason: string }).reason, new RegExp(`refused: ${reason}$`));
    assert.equal(((await storage.event('refused')) as { reason: string }).reason, reason);
    agent.kill('SIGTERM');
    assert.equal(await agent.ended, 0);
    assert.ok(!agent.lines.some((line) => line.event === 'epoch-raised' || isServing(line)));
  });

  it('ends with one line when the storage will not have the node', async () => {
    await using cluster = new Cluster();
    pki.psk('keys.psk', keys);
    await cluster.startStorage('--tls-psk', pki.psk('gate.psk', { ...keys, 'server-1': key(9) }));
    const quorum = byKey(cluster, 'server-1', 'quorum');
    const agent = cluster.start('server-1', { quorum, data: byKey(cluster, 'server-1') });
    assert.equal(await agent.ended, 3);
    assert.equal(agent.stderr, `arbiter: ${quorum}: the server has another key of 'server-1'\n`);
  });

  it('answers one line and the right exit code to what cannot be', async () => {
    await using cluster = new Cluster();
    const file = pki.psk('keys.psk', keys);
    const bare = pki.psk('bare.psk', keys);
    chmodSync(bare, 0o644);
    const uri = byKey(cluster, 'admin', 'quorum');
    const files = ['--quorum', 'q', '--data', 'd', '--state', 's'];
    // prettier-ignore
    const rows: readonly [argv: readonly string[], exitCode: number, line: string][] = [
      [['dump', 'nbds://h/quorum'],                  64, 'nbds://h/quorum: TLS needs either ?tls-certificates=DIR or ?tls-psk-file=FILE'],
      [['dump', uri.replace(file, '/none')],          3, `${uri.replace(file, '/none')}: /none: no such file`],
      [['dump', uri.replace(file, bare)],             3, `${uri.replace(file, bare)}: ${bare}: others may use it (mode 0644), so it is no secret; chmod 600 it`],
      [['dump', byCertificate(cluster, '/none')],     3, `${byCertificate(cluster, '/none')}: /none: no such directory`],
      [['storage', ...files, '--tls', 'yes'],        64, "option '--tls <mode>' argument 'yes' is invalid. It must be off, on or require."],
      [['storage', ...files, '--tls', 'require'],    64, 'storage: --tls require needs --tls-certificates DIR or --tls-psk FILE'],
      [['storage', ...files, '--tls-psk', file, '--tls-certificates', '/c'], 64, 'storage: --tls-certificates and --tls-psk exclude each other'],
      [['storage', ...files, '--tls-psk', '/none'],   3, 'storage: /none: no such file'],
      [['storage', ...files, '--tls-psk', bare],      3, `storage: ${bare}: others may use it (mode 0644), so it is no secret; chmod 600 it`],
      [['storage', ...files, '--tls-certificates', pki.path], 3, `storage: ${pki.file('server-cert.pem')}: no such file`],
    ];
    for (const [argv, exitCode, line] of rows) {
      assert.deepEqual(await arbiter(...argv), { exitCode, stdout: '', stderr: `arbiter: ${line}` });
    }
  });

  it('a gate that was told --tls off has none, whatever files it was given', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage('--tls', 'off', '--tls-psk', pki.psk('keys.psk', keys));
    const { exitCode, stderr } = await arbiter('dump', byKey(cluster, 'admin', 'quorum'));
    assert.equal(exitCode, 3);
    assert.match(stderr, /: the server has no TLS, and nothing goes there in plain \(NBD_REP_ERR_UNSUP: /);
    assert.match((await arbiter('dump', cluster.quorum)).stderr, /not formatted/);
  });

  it('with --tls on, keys are not required', async () => {
    await using cluster = new Cluster();
    await cluster.startStorage('--tls', 'on', '--tls-psk', pki.psk('keys.psk', keys));
    for (const uri of [byKey(cluster, 'admin', 'quorum'), cluster.quorum]) {
      assert.match((await arbiter('dump', uri)).stderr, /not formatted/);
    }
  });
});
