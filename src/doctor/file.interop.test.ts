import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Diagnosis, examine } from './examine.ts';
import type { ScratchRange } from './scratch.ts';
import { Unfinished } from './unfinished.ts';

const run = promisify(execFile);

function examined(path: string, scratch?: ScratchRange): Promise<Diagnosis> {
  const { signal } = new AbortController();
  const rest = { tryReservations: false, deadlineMs: 8000, signal, unfinished: new Unfinished() };
  return examine(path, { seconds: 0.05, scratch, ...rest });
}

function ill({ findings }: Diagnosis): string[] {
  return findings.filter(({ state }) => state !== 'ok').map(({ thing, state }) => `${thing}: ${state}`);
}

describe('a doctor with disks and files of this machine', () => {
  let directory: string;
  let device: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'doctor-disk-'));
    device = '';
  });
  afterEach(async () => {
    if (device !== '') await run('losetup', ['-d', device]);
    await rm(directory, { recursive: true });
  });

  it('writes to a loop device where it was told to, and tells whose it is', async function () {
    const image = join(directory, 'image');
    const content = Buffer.alloc(1 << 20, 7);
    content.fill(0, 512 * 1024, 512 * 1024 + 4096);
    await writeFile(image, content);
    try {
      device = (await run('losetup', ['-f', '--show', image])).stdout.trim();
    } catch (error) {
      console.log(
        `      skipped: no loop device (root and /dev/loop-control make one): ${(error as Error).message}`,
      );
      this.skip();
    }
    const found = await examined(device, { offsetBytes: 512 * 1024, lengthBytes: 4096 });
    assert.deepEqual(ill(found), ['quorum area: warning', 'who reaches it: warning', 'fencing: warning']);
    assert.ok(found.writes!.count > 0);
    await run('losetup', ['-d', device]);
    device = '';
    assert.ok(content.equals(await readFile(image)));
  });

  it('warns of memory, and of a file that is too small', async function () {
    const path = join('/dev/shm', `doctor-${process.pid}.img`);
    try {
      await writeFile(path, new Uint8Array(65536));
    } catch (error) {
      console.log(`      skipped: no /dev/shm: ${(error as Error).message}`);
      this.skip();
    }
    try {
      const found = await examined(path);
      assert.ok(ill(found).includes('durability: warning'), ill(found).join());
      await writeFile(path, new Uint8Array(1024));
      assert.deepEqual(ill(await examined(path)), ['size: problem']);
    } finally {
      await rm(path);
    }
  });

  it('does not take a directory or a device without blocks for a disk', async () => {
    await assert.rejects(examined(directory), { name: 'DeviceUnusable' });
    await assert.rejects(examined('/dev/null'), { name: 'DeviceUnusable' });
  });
});
