import assert from 'node:assert/strict';
import fs, { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import fsp, { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileDisk } from './disk.ts';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import { GrantFile } from './grant-store.ts';
import { openImage } from './image-file.ts';

type Fdatasync = (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => void;

/** Puts something in the place of one of Node's functions, for modules that imported it too. */
function inPlaceOf<O extends object, K extends keyof O>(
  of: O,
  name: K,
  by: (real: O[K]) => O[K],
): Disposable {
  const real = of[name];
  of[name] = by(real);
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]() {
      of[name] = real;
      syncBuiltinESMExports();
    },
  };
}

function fdatasyncBy(by: (real: Fdatasync) => Fdatasync): Disposable {
  return inPlaceOf(fs as unknown as { fdatasync: Fdatasync }, 'fdatasync', by);
}

describe('what must survive a loss of power', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'arbiter-durable-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('a write with forced unit access, and a flush, are answered after fdatasync; another write goes without', async () => {
    const path = join(dir, 'disk');
    const file = openImage('data', path, 4096);
    const events: string[] = [];
    using _ = fdatasyncBy((real) => (fd, done) => {
      events.push(`fdatasync of ${fd === file.fd ? 'the file' : fd} with ${readFileSync(path)[0]} in it`);
      real(fd, (error) => {
        events.push('on the disk');
        done(error);
      });
    });
    const disk = new FileDisk(file);
    await disk.write(0, new Uint8Array(512).fill(1), false);
    assert.equal(events.join(), '');
    await disk.write(0, new Uint8Array(512).fill(2), true).then(() => events.push('written'));
    await disk.write(0, new Uint8Array(512).fill(3), false);
    await disk.flush().then(() => events.push('flushed'));
    closeSync(file.fd);
    assert.deepEqual(events, [
      ...['fdatasync of the file with 2 in it', 'on the disk', 'written'],
      ...['fdatasync of the file with 3 in it', 'on the disk', 'flushed'],
    ]);
  });

  it('a write whose fdatasync failed is not acknowledged', async () => {
    using storage = new StorageDir();
    await using gate = await TestGate.start(storage);
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    {
      const failure = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
      using _ = fdatasyncBy(() => (_fd, done) => setImmediate(done, failure));
      assert.equal((await client.write(0, Buffer.alloc(512), { fua: true })).outcome, 'EIO');
      assert.equal((await client.flush()).outcome, 'EIO');
    }
    assert.deepEqual(
      gate.audit.all('write').map(({ outcome }) => outcome),
      ['EIO'],
    );
  });

  it('a grant: its bytes first, then its name, then the directory that holds the name', async () => {
    const order: string[] = [];
    const probe = await open(dir, 'r');
    const handles = Object.getPrototypeOf(probe) as Record<'datasync' | 'sync', () => Promise<void>>;
    await probe.close();
    const noting = (what: string) => (real: () => Promise<void>) =>
      function (this: unknown) {
        return real.call(this).then(() => void order.push(what));
      };
    using _bytes = inPlaceOf(handles, 'datasync', noting('bytes'));
    using _directory = inPlaceOf(handles, 'sync', noting('directory'));
    using _name = inPlaceOf(fsp, 'rename', (real) => async (from, to) => {
      await real(from, to);
      order.push('name');
    });
    await new GrantFile(dir).save({ node: 'a', epoch: 5, incarnation: 'aaaaaaaa' });
    assert.deepEqual(order, ['bytes', 'name', 'directory']);
  });
});
