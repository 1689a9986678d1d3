import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { StorageDir, TestGate } from './gate.fixture.ts';
import type { StorageOptions } from './start.ts';

async function refusalToStart(dir: StorageDir, options: Partial<StorageOptions> = {}): Promise<string> {
  try {
    await using gate = await TestGate.start(dir, options);
    return `it started and listens on ${gate.address}`;
  } catch (error) {
    assert.equal((error as Error).name, 'StorageUnusable', String(error));
    return (error as Error).message.replaceAll(dir.path, 'DIR');
  }
}

/** A process that holds the lock on the file it was given, as a server process from before would. */
async function lockHolder(path: string): Promise<ChildProcess> {
  const fd = openSync(path, 'r');
  const child = spawn('sh', ['-c', 'flock -x 3 && echo held && exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore', fd],
  });
  closeSync(fd);
  await once(child.stdout!, 'data');
  return child;
}

describe('storage: what keeps it from starting, in one line each', () => {
  // prettier-ignore
  const rows: readonly [what: string, prepare: (dir: StorageDir) => Partial<StorageOptions> | void, line: string][] = [
    ['a missing data file',     (dir) => rmSync(dir.data),                  'storage: data file DIR/data.img: ENOENT: no such file or directory; --create-data BYTES makes one'],
    ['a missing quorum file',   (dir) => rmSync(dir.quorum),                'storage: quorum file DIR/quorum.img: ENOENT: no such file or directory; --create-quorum BYTES makes one'],
    ['a directory for a file',  (dir) => ({ dataFile: dir.path }),          'storage: data file DIR: EISDIR: illegal operation on a directory'],
    ['an odd size',             (dir) => truncateSync(dir.data, 1000),      "storage: data file DIR/data.img has 1000 bytes, which is no multiple of a sector's 512"],
    ['an empty file',           (dir) => truncateSync(dir.quorum, 0),       'storage: quorum file DIR/quorum.img is empty'],
    ['a device',                () => ({ dataFile: '/dev/null' }),          'storage: data file /dev/null is not a plain file'],
    ['one file for both',       (dir) => ({ dataFile: dir.quorum }),        'storage: the quorum and the data area are one file: DIR/quorum.img'],
    ['nowhere to create it',    (dir) => ({ dataFile: join(dir.path, 'no/data'), createDataBytes: 512 }), 'storage: creating data file DIR/no/data: ENOENT: no such file or directory'],
    ['an odd size to create',   (dir) => ({ dataFile: join(dir.path, 'new'), createDataBytes: 100 }), "storage: data file DIR/new to be created has 100 bytes, which is no multiple of a sector's 512"],
    ['a file as state',         (dir) => ({ stateDir: dir.data }),          'storage: state directory DIR/data.img: EEXIST: file already exists'],
    ['a grant nobody can read', (dir) => { mkdirSync(dir.state); writeFileSync(join(dir.state, 'grant.json'), '{"v":1,"gran'); return undefined; },
      'storage: the last grant in DIR/state/grant.json cannot be read, so nothing can be granted safely; when no server runs, remove the file'],
    ['an address of another machine', () => ({ listen: [{ kind: 'tcp', host: '192.0.2.1', port: 0 }] }), 'storage: cannot listen on 192.0.2.1:0: this machine has no such address'],
    ['a host nobody knows',     () => ({ listen: [{ kind: 'tcp', host: 'no-such-host.invalid', port: 0 }] }), 'storage: cannot listen on no-such-host.invalid:0: there is no host of that name'],
    ['something in the place of a socket', (dir) => ({ listen: [{ kind: 'unix', path: dir.data }] }), 'storage: cannot listen on unix:DIR/data.img: something that is no socket is there'],
  ];
  for (const [what, prepare, line] of rows) {
    it(what, async () => {
      using dir = new StorageDir();
      const options = prepare(dir) ?? {};
      assert.equal(await refusalToStart(dir, options), line);
    });
  }

  it('a port in use', async () => {
    using dir = new StorageDir();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const line = await refusalToStart(dir, { listen: [{ kind: 'tcp', host: '127.0.0.1', port }] });
    other.close();
    assert.equal(
      line,
      `storage: cannot listen on 127.0.0.1:${port}: the address is in use by another process`,
    );
  });

  it('a start that failed leaves nothing behind: the next one finds everything free', async () => {
    using dir = new StorageDir();
    const bad = { kind: 'tcp', host: '192.0.2.1', port: 0 } as const;
    await refusalToStart(dir, { listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }, bad] });
    assert.equal(existsSync(dir.control), false);
    await using _ = await TestGate.start(dir);
  });
});

describe('storage: files', () => {
  it('are created where there are none, and never changed where there are', async () => {
    using dir = new StorageDir();
    rmSync(dir.data);
    await using gate = await TestGate.start(dir, { createDataBytes: 4096, createQuorumBytes: 512 });
    assert.equal(readFileSync(dir.data).length, 4096);
    assert.deepEqual(await (await gate.connect()).go('quorum'), { sizeBytes: 65536 });
  });

  it('the state directory is made, with parents', async () => {
    using dir = new StorageDir();
    const stateDir = join(dir.path, 'var/lib/arbiter');
    await using _ = await TestGate.start(dir, { stateDir });
    assert.deepEqual(readdirSync(stateDir), []);
  });

  it('the control socket and a Unix socket to listen on replace what a killed gate left, and go at the end', async () => {
    using dir = new StorageDir();
    const path = join(dir.path, 'nbd.sock');
    const dead = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('x'))`,
    ]);
    await once(dead.stdout, 'data');
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    assert.ok(existsSync(path));
    {
      await using gate = await TestGate.start(dir, { listen: [{ kind: 'unix', path }] });
      assert.equal(gate.address, `unix:${path}`);
    }
    assert.equal(existsSync(path), false);
    assert.equal(existsSync(dir.control), false);
  });
});

describe('storage: no two at a time', () => {
  it('a second one over the same data file does not start', async () => {
    using dir = new StorageDir();
    await using _ = await TestGate.start(dir);
    assert.equal(await refusalToStart(dir), 'storage: DIR/data.img is in use by another storage process');
  });

  it('nor one over the same file by another name, or over the same grants', async () => {
    using dir = new StorageDir();
    using other = new StorageDir();
    await using _ = await TestGate.start(dir);
    const alias = join(other.path, 'alias');
    symlinkSync(dir.data, alias);
    assert.match(await refusalToStart(other, { dataFile: alias }), /alias is in use/);
    assert.match(await refusalToStart(other, { stateDir: dir.state }), /state is in use/);
  });

  it('a server process from before that still holds its file keeps it from starting, and it says how long it waited', async () => {
    using dir = new StorageDir();
    const holder = await lockHolder(dir.data);
    const line = await refusalToStart(dir, { lockWaitMs: 20 });
    holder.kill();
    assert.equal(
      line,
      'storage: DIR/data.img is in use by another storage process (waited 20 ms for it to end)',
    );
  });

  it('it starts as soon as that process is gone', async () => {
    using dir = new StorageDir();
    const holder = await lockHolder(dir.data);
    let started = false;
    const starting = TestGate.start(dir, { lockWaitMs: 60_000 });
    void starting.then(() => (started = true));
    using elsewhere = new StorageDir();
    await using _other = await TestGate.start(elsewhere);
    assert.equal(started, false);
    holder.kill('SIGKILL');
    await using _ = await starting;
  });

  it('an interrupt ends the waiting', async () => {
    using dir = new StorageDir();
    const holder = await lockHolder(dir.data);
    const abort = new AbortController();
    const told = refusalToStart(dir, { lockWaitMs: 60_000, signal: abort.signal });
    setImmediate(() => abort.abort());
    assert.match(await told, /cannot lock DIR\/data.img/);
    holder.kill();
  });
});
