import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { owned, StorageDir } from '../gate.fixture.ts';
import { openFilesOf, stopProcess } from '../nbdkit.fixture.ts';
import { usualPatience } from '../patience.ts';
import { needs } from './needs.fixture.ts';
import { DATA } from './raw-initiator.fixture.ts';
import { keyOf, obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

/** A program in the place of tgtd. */
function fakeTgtd(dir: StorageDir, script: string): string {
  const path = join(dir.path, 'fake-tgtd');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('tgtd: its end', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('a write that it had not answered is of unknown outcome, told once it was reaped', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    const { tgtdPid } = tap;
    await stopProcess(tgtdPid);
    const lost = [a.write(DATA, 0, block(1)), a.write(DATA, 1, block(1))];
    const quorum = tap.audit.line('quorum-write');
    await tap.underWay(2);
    process.kill(tgtdPid, 'SIGKILL');
    assert.deepEqual(
      (await Promise.all(lost)).map(({ outcome }) => outcome),
      ['no answer', 'no answer'],
    );
    await tap.audit.line('write', ({ offset }) => offset === 512);
    const told = tap.audit.lines.filter(({ event }) => event === 'write' || event === 'server-ended');
    assert.deepEqual(
      told.map((line) => ('outcome' in line ? line.outcome : line.event)),
      ['server-ended', 'unknown', 'unknown'],
    );
    await tap.serves();
    await tap.own(owned('a', 6, 'a', 2));
    assert.equal((await quorum).outcome, 'ok');
  });

  it('a client that is gone while tgtd is at its write: it is told as it ends', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { fencing: false });
    const client = await tap.into();
    await stopProcess(tap.tgtdPid);
    void client.write(DATA, 0, block(1));
    await tap.underWay(1);
    client.socket.resetAndDestroy();
    process.kill(tap.tgtdPid, 'SIGCONT');
    assert.equal((await tap.audit.line('write')).outcome, 'ok');
    assert.match((await tap.audit.line('disconnected')).reason, /^the connection broke: .*ECONNRESET/);
  });

  it('a connection that is ended while tgtd is at its write: it is told as it ends, before the next owner is let in', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    await tap.own(owned('b', 7));
    const b = await tap.owner('b', 7);
    await stopProcess(tap.tgtdPid);
    void a.write(DATA, 0, block(1));
    await tap.underWay(1);
    const { connection } = await tap.audit.line('connected', ({ export: name }) => name.startsWith('data@a'));
    await tap.ask('DELETE', `/connections/${connection}`);
    assert.deepEqual(tap.audit.all('write'), [], 'it may still be carried out');
    await once(a.socket, 'close');
    process.kill(tap.tgtdPid, 'SIGCONT');
    assert.deepEqual(await obtain(b, 7, keyOf(6)), ['ok', 'ok', 'ok']);
    const at = (event: string): number => tap.audit.lines.findIndex((line) => line.event === event);
    assert.deepEqual(
      tap.audit.all('write').map(({ outcome }) => outcome),
      ['ok'],
    );
    const drained = tap.audit.lines.findLastIndex((line) => line.event === 'drained');
    assert.ok(at('write') < drained);
  });

  it('who comes while there is none waits for the next one', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { fencing: false });
    process.kill(tap.tgtdPid, 'SIGKILL');
    await tap.audit.line('server-ended');
    const client = await tap.into();
    assert.equal((await client.write(DATA, 0, block(1))).outcome, 'ok');
    assert.deepEqual(tap.audit.all('disconnected'), []);
  });

  it('and is ended when none comes', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    const patience = { ...usualPatience, negotiateMs: 20 };
    const tgtdProgram = fakeTgtd(dir, 'test -e "$0.once" && exit 3; touch "$0.once"; exec tgtd "$@"');
    await using tap = await TestTap.start(dir, { patience, tgtdProgram });
    process.kill(tap.tgtdPid, 'SIGKILL');
    await tap.audit.line('server-ended');
    await tap.connect();
    assert.equal((await tap.audit.line('disconnected')).reason, 'no tgtd came to serve it within 20 ms');
  });

  it('it is asked for a reservation and killed: the turn is somebody else’s then', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    const { tgtdPid } = tap;
    await stopProcess(tgtdPid);
    const lost = a.reserveOut('REGISTER_AND_IGNORE_EXISTING_KEY', 0n, keyOf(6));
    await tap.underWay(1);
    process.kill(tgtdPid, 'SIGKILL');
    assert.equal((await lost).outcome, 'no answer');
    assert.equal((await tap.audit.line('reservation')).outcome, 'unknown');
    await tap.serves();
    assert.deepEqual(await obtain(await tap.owner('a', 6), 6), ['ok', 'ok']);
  });

  it('one that does nothing any more does not keep the storage node from stopping', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { fencing: false });
    const client = await tap.into();
    const { tgtdPid } = tap;
    await stopProcess(tgtdPid);
    const lost = client.write(DATA, 3, block(1));
    await tap.underWay(1);
    await tap.stop('test', 20);
    assert.equal((await lost).outcome, 'no answer');
    assert.equal(tap.audit.all('write')[0]?.outcome, 'unknown');
    assert.throws(() => process.kill(tgtdPid, 0), { code: 'ESRCH' });
    assert.equal(tap.audit.lines.at(-1)!.event, 'gate-stopped');
  });

  it('a write that nobody waits for any more when the storage node stops is told, once tgtd was reaped', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { fencing: false });
    const client = await tap.into();
    await stopProcess(tap.tgtdPid);
    void client.write(DATA, 0, block(1));
    await tap.underWay(1);
    await tap.stop('test', 20);
    const told = tap.audit.lines.map((line) => ('outcome' in line ? line.outcome : line.event));
    assert.deepEqual(told.slice(-3), ['server-ended', 'unknown', 'gate-stopped']);
  });

  it('it has the files open that are locked, and inherits the locks', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const files = openFilesOf(tap.tgtdPid).filter((path) => path.startsWith(dir.path));
    assert.equal(files.filter((path) => path === dir.data).length, 2);
    assert.equal(files.filter((path) => path === dir.quorum).length, 2);
    assert.ok(files.includes(dir.state));
  });
});

describe('tgtd: why it does not start', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('a program that is missing is named, with its package', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await assert.rejects(TestTap.start(dir, { tgtdProgram: 'no-such-tgtd' }), {
      name: 'StorageUnusable',
      message:
        "storage: tgtd does not start: the program 'no-such-tgtd' is missing; install the Debian package tgt",
    });
  });

  it('its last words are told, and the files are free again', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    const tgtdProgram = fakeTgtd(dir, "echo 'tgtd: no luck today' >&2; exit 3");
    await assert.rejects(TestTap.start(dir, { tgtdProgram }), {
      message: 'storage: tgtd does not start: tgtd: no luck today',
    });
    await using tap = await TestTap.start(dir);
    assert.equal(tap.audit.all('server-started').length, 1);
  });
});

describe('tgtd: the secret', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('it is in no argument and no environment, and whoever does not know it is refused', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    const secretFile = join(dir.path, 'secret');
    writeFileSync(secretFile, 'not-to-be-seen-by-anybody\n', { mode: 0o600 });
    await using tap = await TestTap.start(dir, { chap: { user: 'arbiter', secretFile } });
    for (const pid of [process.pid, tap.tgtdPid]) {
      const seen = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join();
      assert.ok(!seen.includes('not-to-be-seen'));
    }
    const stranger = await tap.connect();
    const answer = await stranger.login({ port: 0 });
    assert.deepEqual(answer.kind === 'login' && [answer.statusClass, answer.statusDetail], [2, 1]);
    assert.equal((await tap.audit.line('refused')).reason, 'login refused with status 0201');
  });

  const rows: readonly [what: string, text: string, mode: number, why: RegExp][] = [
    [
      'that others may read',
      'long-enough-a-secret',
      0o644,
      /others may use it \(mode 0644\), so it is no secret; chmod 600 it$/,
    ],
    ['that is short', 'short', 0o600, /5 bytes; it has 12 to 255 \(RFC 7143, 12.1.3\)$/],
    ['of two lines', 'long-enough-a-secret\nand another', 0o600, /it must be one line of printable ASCII$/],
  ];
  for (const [what, text, mode, why] of rows) {
    it(`a file ${what} is refused, and nothing of it shown`, async () => {
      using dir = new StorageDir(512, owned('a', 6));
      const secretFile = join(dir.path, 'secret');
      writeFileSync(secretFile, text, { mode });
      await assert.rejects(TestTap.start(dir, { chap: { user: 'arbiter', secretFile } }), (error: Error) => {
        assert.match(error.message, why);
        assert.ok(!error.message.includes('long') && !error.message.includes('another'));
        return true;
      });
    });
  }
});
