import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { NbdBlockDevice } from './device.ts';
import { freePort, needs, Scratch, startNbdServer, type StockServer } from './servers.fixture.ts';

const long = 8000;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** One connection each: the fixture's server does not fork, and leaves with its client. */
async function running(
  stack: AsyncDisposableStack,
  options: readonly string[],
): Promise<{ image: string; server: StockServer }> {
  const scratch = stack.use(await Scratch.make());
  const image = scratch.file('image');
  await writeFile(image, Buffer.alloc(1 << 20));
  return { image, server: stack.use(await startNbdServer(scratch, image, await freePort(), options)) };
}

describe('the NBD block device with nbd-server', function () {
  this.timeout(20_000);
  before(async function () {
    await needs(this, 'nbd-server', 'nbd-server');
  });

  for (const [durability, options] of [
    ['fua', ['fua = true', 'flush = true']],
    ['flush', ['flush = true']],
  ] as const) {
    it(`reads back what it wrote, and so does the file, with ${durability}`, async () => {
      await using stack = new AsyncDisposableStack();
      const { image, server } = await running(stack, options);
      const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
      assert.deepEqual([device.sizeBytes, device.sectorBytes, device.durability], [1 << 20, 512, durability]);
      const indexes = Array.from({ length: 64 }, (_, index) => index);
      await Promise.all(
        indexes.map((index) => device.writeDurably(index * 512, filled(512, index + 1), long)),
      );
      const reads = await Promise.all(indexes.map((index) => device.read(index * 512, 512, long)));
      assert.deepEqual(
        reads.map((bytes) => [bytes[0], bytes[511]]),
        indexes.map((index) => [index + 1, index + 1]),
      );
      const file = await readFile(image);
      assert.deepEqual([file[0], file[63 * 512], file.lastIndexOf(64)], [1, 64, 64 * 512 - 1]);
    });
  }

  it('clears by zeroes, and trims where that is offered', async () => {
    await using stack = new AsyncDisposableStack();
    const { server } = await running(stack, ['fua = true', 'flush = true', 'trim = true']);
    const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
    await device.writeDurably(0, filled(65536, 7), long);
    await device.writeZeroesDurably(4096, 4096, long);
    await device.trim(32768, 4096, long);
    const bytes = await device.read(0, 32768, long);
    assert.deepEqual([bytes[4095], bytes[4096], bytes[8191], bytes[8192]], [7, 0, 0, 7]);
  });

  it('sees that an export is read-only', async () => {
    await using stack = new AsyncDisposableStack();
    const { server } = await running(stack, ['readonly = true', 'flush = true']);
    const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
    assert.equal(device.readOnly, true);
    await assert.rejects(device.writeDurably(0, filled(512, 1), long), { code: 'EPERM' });
  });

  it('is told that there is no such export', async () => {
    await using stack = new AsyncDisposableStack();
    const { server } = await running(stack, []);
    await assert.rejects(NbdBlockDevice.open(server.address, 'other', long), {
      name: 'DeviceUnusable',
      message: /\/other: the server refused the export with NBD_REP_ERR_UNKNOWN: /,
    });
  });

  it('does not know what became of what was in flight when it is killed, and finds nobody there', async () => {
    await using stack = new AsyncDisposableStack();
    const { server } = await running(stack, ['fua = true', 'flush = true']);
    const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
    await device.writeDurably(0, filled(512, 1), long);
    const ends = Promise.allSettled(
      Array.from({ length: 8 }, () => device.writeDurably(0, filled(1 << 20, 2), long)),
    );
    await server.kill();
    const names = (await ends).map((end) => (end.status === 'rejected' ? (end.reason as Error).name : 'ok'));
    assert.ok(
      names.every((name) => name === 'OutcomeUnknown' || name === 'ok'),
      names.join(' '),
    );
    await assert.rejects(device.read(0, 512, long), { name: 'RequestFailed', code: 'ENOTCONN' });
  });
});
