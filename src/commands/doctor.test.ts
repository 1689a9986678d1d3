import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { arbiter, scratch, startArbiter } from './program.fixture.ts';

describe('arbiter doctor', function () {
  this.timeout(20_000);
  const folder = scratch();
  after(folder.remove);

  it('judges a file within 80 columns, but for the command that it is to be copied', async () => {
    const disk = folder.disk('plain.img', 64 * 1024);
    const { exitCode, stdout, stderr } = await arbiter('doctor', disk.uri, '--seconds', '0.1');
    assert.deepEqual([exitCode, stderr], [0, '']);
    for (const line of stdout.split('\n'))
      assert.ok(line.length <= 80 || line.startsWith('  $ ') || line.startsWith('file://'), line);
    assert.match(stdout, /^ {2}warning {2}who reaches it {2}a file/m);
    assert.match(stdout, /^ {2}untried {2}writes/m);
    assert.match(stdout, /^latency in ms +bytes +requests +p50 +p90 +p99 +p99\.9 +max$/m);
    assert.match(stdout, /^ {2}\$ arbiter init 'file:\/\/.*' --nodes NAME,NAME,\.\.\. --interval-ms \d+$/m);
    assert.match(stdout, /^Nothing was written\.$/m);
    assert.match(stdout, /^Usable: 0 problems, 2 warnings\.$/m);
    assert.ok(disk.bytes().every((byte) => byte === 0));
  });

  it('shows an init command that works, and finds afterwards that the timings fit', async () => {
    const disk = folder.disk('init.img', 64 * 1024);
    const first = await arbiter('doctor', disk.uri, '--seconds', '0.1', '--json');
    const { init, usable, area, written } = JSON.parse(first.stdout) as Record<string, unknown>;
    assert.deepEqual([usable, area, written], [true, 'empty', null]);
    const argv = (init as string).replace('NAME,NAME,...', 'a,b').replaceAll("'", '').split(' ').slice(1);
    assert.equal((await arbiter(...argv)).exitCode, 0);
    const before = disk.bytes();
    const scratchAt = ['--scratch', '61440+4096'];
    const second = await arbiter('doctor', disk.uri, '--seconds', '0.1', '--json', ...scratchAt);
    const found = JSON.parse(second.stdout) as {
      area: string;
      findings: { thing: string; state: string; why: string }[];
      latencyMs: { read: { bytes: number }; write: { bytes: number; count: number } };
      written: unknown;
    };
    assert.equal(found.area, 'area');
    assert.match(found.findings.find(({ thing }) => thing === 'timings')!.why, /^the area has T \d+/);
    assert.deepEqual([found.latencyMs.read.bytes, found.latencyMs.write.bytes], [2048, 512]);
    assert.ok(found.latencyMs.write.count > 0);
    assert.deepEqual(found.written, { offsetBytes: 61440, lengthBytes: 4096 });
    assert.deepEqual(disk.bytes(), before);
  });

  it('ends with 1 when it found a problem', async () => {
    const disk = folder.disk('small.img', 1024);
    const { exitCode, stdout } = await arbiter('doctor', disk.uri);
    assert.equal(exitCode, 1);
    assert.match(stdout, /^ {2}problem {2}size/m);
    assert.match(stdout, /^Not usable as it is: 1 problem, 0 warnings\.$/m);
  });

  // prettier-ignore
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['file:///nowhere/at-all'],                     3,  /no such file$/],
    [['nbd://127.0.0.1:1/q'],                        3,  /not connected: .*ECONNREFUSED/],
    [['nbd:///q'],                                   64, /needs a host/],
    [['ftp://a/q'],                                  64, /unknown kind of block device 'ftp'/],
    [['DISK', '--seconds', '0'],                     64, /It must be a number of seconds up to 3600\.$/],
    [['DISK', '--seconds', 'long'],                  64, /It must be a number of seconds/],
    [['DISK', '--scratch', '4096'],                  64, /It must be OFFSET\+LENGTH in bytes/],
    [['DISK', '--scratch', '0+512'],                 64, /the first 33792 bytes are a quorum area's/],
    [['DISK', '--scratch', '65536+512'],             64, /the storage has 65536 bytes$/],
    [['DISK', '--scratch', '57344+4096'],            3,  /from byte 57344 on is something/],
    [['iscsi://u%secret@h/iqn.2026-11.example:a/1'], 64, /a secret in an argument can be read/],
  ];
  for (const [argv, code, line] of wrong) {
    it(`answers one line and ${code} to: arbiter doctor ${argv.join(' ')}`, async () => {
      const disk = folder.disk('used.img', 64 * 1024);
      const content = new Uint8Array(64 * 1024).fill(1, 57344);
      disk.write(content);
      const { exitCode, stdout, stderr } = await arbiter(
        'doctor',
        ...argv.map((each) => (each === 'DISK' ? disk.uri : each)),
      );
      assert.deepEqual([exitCode, stdout], [code, '']);
      assert.match(stderr, line);
      assert.equal(stderr.split('\n').length, 1);
      assert.doesNotMatch(stderr, /%secret/);
      assert.deepEqual(disk.bytes(), Buffer.from(content));
    });
  }

  it('ends with 3 when nobody answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const doctor = startArbiter('doctor', `nbd://127.0.0.1:${port}/q`);
    const [socket] = (await once(silent, 'connection')) as [import('node:net').Socket];
    const ended = await doctor;
    socket.destroy();
    silent.close();
    assert.equal(ended.exitCode, 3);
    assert.match(ended.stderr, /no NBD negotiation within 5000 ms$/);
  });

  it('leaves nothing half done when it is interrupted', async () => {
    const disk = folder.disk('interrupted.img', 64 * 1024);
    const doctor = startArbiter('doctor', disk.uri, '--seconds', '3600', '--scratch', '61440+4096');
    while (disk.bytes().every((byte) => byte === 0)) await new Promise((resolve) => setImmediate(resolve));
    doctor.kill('SIGINT');
    const { exitCode, stdout, stderr } = await doctor;
    assert.deepEqual(
      [exitCode, stdout, stderr],
      [130, '', 'arbiter: doctor: interrupted; nothing was left behind'],
    );
    assert.ok(disk.bytes().every((byte) => byte === 0));
  });
});
