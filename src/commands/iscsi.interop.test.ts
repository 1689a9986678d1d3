import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { Scratch } from '../block/nbd/servers.fixture.ts';
import { needsTgt, Tgt } from '../block/iscsi/tgt.fixture.ts';
import { arbiter } from './program.fixture.ts';
import { Cluster } from './run.fixture.ts';

const account = { user: 'server-1', secret: 'a secret of 18 b.' };

describe('arbiter on a quorum area behind an iSCSI target', function () {
  this.timeout(30_000);
  before(async function () {
    await needsTgt(this);
  });

  it('lays it out, shows who owns it, and shows every block, with a secret out of a file', async () => {
    await using scratch = await Scratch.make();
    await using tgt = await Tgt.start({ units: [{ lun: 1, sizeBytes: 65536 }], chap: [account] });
    const file = scratch.file('secret');
    await writeFile(file, `${account.secret}\n`);
    await chmod(file, 0o600);
    const uri = tgt.uri(1, { user: account.user, query: `chap-secret-file=${file}` });
    const name = tgt.uri(1, { user: account.user });

    const init = await arbiter('init', uri, '--nodes', 'a,b', '--interval-ms', '100');
    assert.deepEqual([init.exitCode, init.stderr], [0, '']);
    assert.equal(init.stdout.split('\n')[0], `laid out a quorum area on ${name}`);

    const again = await arbiter('init', uri, '--nodes', 'a,b');
    assert.deepEqual([again.exitCode, again.stdout], [3, '']);
    assert.ok(again.stderr.startsWith(`arbiter: ${name}: in use: `), again.stderr);

    const status = await arbiter('status', uri, '--json');
    assert.equal(status.exitCode, 0, status.stderr);
    assert.equal((JSON.parse(status.stdout) as { uri: string }).uri, name);

    const dump = await arbiter('dump', uri);
    assert.deepEqual([dump.exitCode, dump.stderr], [0, '']);
    assert.equal(dump.stdout.split('\n')[0], `${name}: 4 sectors of 512 bytes`);
  });

  it('says what is wrong with the login, and nothing of the secret', async () => {
    await using scratch = await Scratch.make();
    await using tgt = await Tgt.start({ chap: [account] });
    const file = scratch.file('secret');
    await writeFile(file, 'another one of 22 byt.\n');
    await chmod(file, 0o600);
    const uri = tgt.uri(1, { user: account.user, query: `chap-secret-file=${file}` });
    const { exitCode, stdout, stderr } = await arbiter('dump', uri);
    assert.deepEqual([exitCode, stdout], [3, '']);
    assert.match(
      stderr,
      /^arbiter: iscsi:\/\/server-1@127\.0\.0\.1:\d+\/\S+\/1: login, CHAP: .*authentication failed/,
    );
    assert.ok(!stderr.includes('another one'), stderr);
    await chmod(file, 0o644);
    assert.match((await arbiter('dump', uri)).stderr, /others may use it \(mode 0644\)/);
  });

  it('is what an agent contends for, as itself', async () => {
    await using cluster = new Cluster();
    await using tgt = await Tgt.start({ units: [{ lun: 1, sizeBytes: 65536 }] });
    await cluster.layOut(['server-1'], undefined, tgt.uri(1));
    await writeFile(cluster.file('data'), Buffer.alloc(65536));
    const data = { data: `file://${cluster.file('data')}`, fencing: 'none', unsafe: true };
    const agent = cluster.start('server-1', { quorum: tgt.uri(1), ...data });
    await agent.event('service', { phase: 'started' });
    const shown = await tgt.admin('--op', 'show', '--mode', 'target');
    assert.match(shown, /Initiator: iqn\.2026-11\.example\.arbiter:server-1 alias: quorum/);
    agent.kill('SIGTERM');
    assert.equal(await agent.ended, 0);
  });
});
