import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SyncedDisk } from './disk.ts';
import { FileMedium } from './file-medium.ts';
import { type ImageFile, openImage } from './image-file.ts';

describe('a disk over a file', () => {
  let dir: string;
  let file: ImageFile;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'arbiter-disk-'));
    file = openImage('data', join(dir, 'disk'), 8 * 1024 * 1024);
  });
  afterEach(() => {
    closeSync(file.fd);
    rmSync(dir, { recursive: true });
  });

  it('gives back what was written, where it was written', async () => {
    const disk = new SyncedDisk(new FileMedium(file));
    const bytes = Buffer.from('what was written');
    await disk.write(4000, bytes, false);
    const back = new Uint8Array(bytes.length + 2);
    await disk.read(3999, back);
    assert.deepEqual(Buffer.from(back), Buffer.concat([Buffer.alloc(1), bytes, Buffer.alloc(1)]));
  });

  it('never shows half of a write when it is to show them whole', async () => {
    const disk = new SyncedDisk(new FileMedium(file), { whole: true });
    const bytes = 1024 * 1024;
    const torn: number[] = [];
    const look = async (): Promise<void> => {
      const into = new Uint8Array(bytes);
      await disk.read(0, into);
      if (into[0] !== into[bytes - 1]) torn.push(into[0]!);
    };
    for (let round = 0; round < 20; round++) {
      const write = disk.write(0, new Uint8Array(bytes).fill(round + 1), false);
      await Promise.all([write, look(), look(), look()]);
    }
    assert.deepEqual(torn, []);
  });

  it('a request that fails does not stop those after it', async () => {
    const disk = new SyncedDisk(new FileMedium(file), { whole: true });
    const bad = disk.read(file.sizeBytes, new Uint8Array(512));
    const good = disk.read(0, new Uint8Array(512));
    await assert.rejects(bad, { message: `read of 512 bytes at ${file.sizeBytes} ended after 0` });
    await good;
  });

  it('a flush of a file that is gone is an error for all who share it', async () => {
    const gone = new SyncedDisk(new FileMedium({ ...file, fd: 9999 }));
    const results = await Promise.allSettled([
      gone.flush(),
      gone.flush(),
      gone.write(0, new Uint8Array(1), true),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    await assert.rejects(new SyncedDisk(new FileMedium({ ...file, fd: 9999 })).flush(), { code: 'EBADF' });
  });
});
