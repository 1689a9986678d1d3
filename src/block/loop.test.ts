import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { FileBlockDevice } from './file.ts';
import { Scratch } from './nbd/servers.fixture.ts';

const long = 5000;
const run = promisify(execFile);

/** A loop device over a file of 1 MiB; both go with the test. */
class Loop implements AsyncDisposable {
  readonly path: string;
  readonly #scratch: Scratch;

  /** Skips the test, saying so, where there are none. */
  static async attach(context: Mocha.Context, ...options: readonly string[]): Promise<Loop> {
    await using stack = new AsyncDisposableStack();
    const scratch = stack.use(await Scratch.make());
    await writeFile(scratch.file('image'), Buffer.alloc(1 << 20));
    try {
      const { stdout } = await run('losetup', [...options, '-f', '--show', scratch.file('image')]);
      stack.move();
      return new Loop(stdout.trim(), scratch);
    } catch (error) {
      const why = (error as Error).message.trim();
      console.log(`      skipped: no loop device (root and /dev/loop-control make one): ${why}`);
      return context.skip();
    }
  }

  private constructor(path: string, scratch: Scratch) {
    this.path = path;
    this.#scratch = scratch;
  }

  image(): Promise<Buffer> {
    return readFile(this.#scratch.file('image'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('losetup', ['-d', this.path]);
    await this.#scratch[Symbol.asyncDispose]();
  }
}

describe('a loop device as a block device', () => {
  for (const sectorBytes of [512, 4096]) {
    it(`has its size and its sectors of ${sectorBytes} bytes from sysfs, and passes the page cache`, async function () {
      await using loop = await Loop.attach(this, '-b', `${sectorBytes}`);
      await using disk = await FileBlockDevice.open(loop.path);
      assert.deepEqual([disk.sizeBytes, disk.sectorBytes, disk.direct], [1 << 20, sectorBytes, true]);
      assert.equal(disk.readOnly, false);
      await disk.writeDurably(8192, new Uint8Array(sectorBytes).fill(7), long);
      assert.equal((await disk.read(8192, sectorBytes, long))[sectorBytes - 1], 7);
      assert.equal((await loop.image())[8192], 7);
    });
  }

  it('that is write-protected says so, though it can be opened for writing, and is not written', async function () {
    await using loop = await Loop.attach(this, '-r');
    await using disk = await FileBlockDevice.open(loop.path);
    assert.equal(disk.readOnly, true);
    await assert.rejects(disk.writeDurably(0, new Uint8Array(512), long), { code: 'EPERM', effect: 'none' });
    assert.equal((await disk.read(0, 512, long)).length, 512);
  });

  it('takes no part of a sector, whatever the file behind it would', async function () {
    await using loop = await Loop.attach(this, '-b', '4096');
    await using disk = await FileBlockDevice.open(loop.path);
    await assert.rejects(disk.writeDurably(512, new Uint8Array(512), long), {
      code: 'EINVAL',
      effect: 'none',
      message: `file://${loop.path}: write of 512 bytes at 512 was not tried: offset and length must be multiples of 4096`,
    });
  });
});
