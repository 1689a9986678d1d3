import assert from 'node:assert/strict';
import fs, { closeSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import fsp, { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SyncedDisk } from './disk.ts';
import { FileMedium } from './file-medium.ts';
import { inPlaceOf } from './in-place-of.fixture.ts';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import { GrantFile } from './grant-store.ts';
import { openImage } from './image-file.ts';
import type { RawClient } from './raw-client.fixture.ts';

type Fdatasync = (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => void;

function fdatasyncBy(by: (real: Fdatasync) => Fdatasync): Disposable {
  return inPlaceOf(fs as unknown as { fdatasync: Fdatasync }, 'fdatasync', by);
}

/** As what this process has the file open. */
function fdOf(path: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => [fd, readlinkOrNothing(fd)] as const);
  return Number(links.find(([, target]) => target === path)?.[0]);
}

function readlinkOrNothing(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
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
    const disk = new SyncedDisk(new FileMedium(file));
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

  describe('and cannot any more after a failed fdatasync', () => {
    const failure = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    /** As Linux does it: the failure is told once, and the next fdatasync succeeds. */
    const failingOnce = (): Disposable => {
      let failed = false;
      return fdatasyncBy((real) => (fd, done) => {
        if (failed) return real(fd, done);
        failed = true;
        return setImmediate(done, failure);
      });
    };
    const outcomes = async (client: RawClient): Promise<string[]> => {
      const { outcome: durable } = await client.write(0, Buffer.alloc(512), { fua: true });
      const { outcome: flush } = await client.flush();
      const { outcome: write } = await client.write(0, Buffer.alloc(512));
      const { outcome: read } = await client.read(0, 512);
      return [durable, flush, write, read];
    };

    it('the write is not acknowledged, nor is any later one, by anybody, until the gate is started again', async () => {
      using storage = new StorageDir();
      {
        await using gate = await TestGate.start(storage, { backend: 'file' });
        await gate.own(owned('a', 5));
        const client = await gate.into(dataName('a', 5));
        using _ = failingOnce();
        assert.deepEqual(await outcomes(client), ['EIO', 'EIO', 'ok', 'ok']);
        await gate.own(owned('b', 7));
        assert.deepEqual(await outcomes(await gate.into(dataName('b', 7))), ['EIO', 'EIO', 'ok', 'ok']);
        assert.deepEqual(
          gate.audit.all('write').map(({ outcome, fua }) => `${outcome} ${fua}`),
          ['EIO true', 'ok false', 'EIO true', 'ok false'],
        );
        assert.equal(
          gate.troubles[0],
          'storage: the data area could not be made durable (EIO: i/o error): every flush and durable write fails from now on; ' +
            'see to the disk of the data file, then start this storage node again',
        );
        assert.equal(
          gate.troubles.filter((line) => line.startsWith('storage: the data area could not be made durable'))
            .length,
          1,
        );
      }
      await using again = await TestGate.start(storage, { backend: 'file' });
      assert.deepEqual(await outcomes(await again.into(dataName('b', 7))), ['ok', 'ok', 'ok', 'ok']);
    });

    it('the next owner is let in all the same, and the audit says what it was let in upon', async () => {
      using storage = new StorageDir();
      await using gate = await TestGate.start(storage, { backend: 'file' });
      await gate.own(owned('a', 5));
      const former = await gate.into(dataName('a', 5));
      assert.equal((await former.write(0, Buffer.alloc(512, 1))).outcome, 'ok');
      using _ = fdatasyncBy(
        (real) => (fd, done) => (fd === fdOf(storage.data) ? setImmediate(done, failure) : real(fd, done)),
      );
      await gate.own(owned('b', 7));
      await gate.into(dataName('b', 7));
      const story = gate.audit.lines.filter((line) => 'epoch' in line && line.epoch === 7);
      assert.deepEqual(
        story.map(({ event }) => event),
        ['grant', 'not-settled', 'drained', 'admitted'],
      );
      assert.equal((await gate.audit.line('not-settled')).reason, 'EIO: i/o error');
      assert.equal(
        gate.troubles.at(-1),
        'storage: the data area could not be flushed before epoch 7 was let in (EIO: i/o error): it is let in all the same, ' +
          'no acknowledged durable write is lost; see to the disk of the data file',
      );
    });

    it('a heartbeat goes on: it brings its own bytes to the disk, and the failure was another one’s', async () => {
      using storage = new StorageDir();
      await using gate = await TestGate.start(storage, { backend: 'file' });
      {
        using _ = fdatasyncBy(
          (real) => (fd, done) =>
            fd === fdOf(storage.quorum) ? setImmediate(done, failure) : real(fd, done),
        );
        await assert.rejects(gate.own(owned('a', 5)), { message: 'the record could not be written: EIO' });
      }
      await gate.own(owned('a', 5, 'a', 2));
      assert.equal((await (await gate.into('quorum')).flush()).outcome, 'EIO');
    });
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
    const granted = { node: 'a', epoch: 5, incarnation: 'aaaaaaaa' };
    await new GrantFile(dir).save({ granted, floor: 0, clusterId: null });
    assert.deepEqual(order, ['bytes', 'name', 'directory']);
  });
});
