import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { NbdBlockDevice } from './device.ts';
import {
  freeAddress,
  needs,
  Scratch,
  startQemuNbd,
  type StockServer,
  type Transport,
} from './servers.fixture.ts';

const long = 8000;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

async function running(
  stack: AsyncDisposableStack,
  transport: Transport,
  args: readonly string[] = [],
): Promise<StockServer> {
  const scratch = stack.use(await Scratch.make());
  await writeFile(scratch.file('image'), Buffer.alloc(1 << 20));
  const address = await freeAddress(transport, scratch);
  const all = ['-f', 'raw', '-e', '3', '-x', 'quorum', ...args, scratch.file('image')];
  return stack.use(await startQemuNbd(scratch, all, address));
}

describe('the NBD block device with qemu-nbd', function () {
  this.timeout(20_000);
  before(async function () {
    await needs(this, 'qemu-nbd', 'qemu-utils');
  });

  for (const transport of ['tcp', 'unix'] as const) {
    it(`shares an export with other clients over ${transport}: what one wrote the others read`, async () => {
      await using stack = new AsyncDisposableStack();
      const { address } = await running(stack, transport);
      const devices: NbdBlockDevice[] = [];
      for (let count = 0; count < 3; count += 1) {
        devices.push(stack.use(await NbdBlockDevice.open(address, 'quorum', long)));
      }
      assert.deepEqual(
        [devices[0]!.sizeBytes, devices[0]!.sectorBytes, devices[0]!.durability],
        [1 << 20, 512, 'fua'],
      );
      await Promise.all(
        devices.map((device, index) => device.writeDurably(index * 512, sector(index + 1), long)),
      );
      for (const device of devices) {
        const bytes = await device.read(0, 1536, long);
        assert.deepEqual([bytes[0], bytes[512], bytes[1024]], [1, 2, 3]);
      }
    });
  }

  it('has many requests in flight', async () => {
    await using stack = new AsyncDisposableStack();
    const { address } = await running(stack, 'unix');
    const device = stack.use(await NbdBlockDevice.open(address, 'quorum', long));
    const indexes = Array.from({ length: 256 }, (_, index) => index);
    await Promise.all(indexes.map((index) => device.writeDurably(index * 512, sector(index), long)));
    const reads = await Promise.all(indexes.map((index) => device.read(index * 512, 512, long)));
    assert.deepEqual(
      reads.map((bytes) => bytes[511]),
      indexes,
    );
  });

  it('is told in the words of the server that there is no such export', async () => {
    await using stack = new AsyncDisposableStack();
    const { address } = await running(stack, 'unix');
    await assert.rejects(NbdBlockDevice.open(address, 'other', long), {
      name: 'DeviceUnusable',
      message:
        /^nbd\+unix:\/\/\/other\?socket=.*: the server refused the export with NBD_REP_ERR_UNKNOWN: export 'other' not present$/,
    });
  });

  it('sees that an export is read-only', async () => {
    await using stack = new AsyncDisposableStack();
    const { address } = await running(stack, 'unix', ['-r']);
    const device = stack.use(await NbdBlockDevice.open(address, 'quorum', long));
    assert.equal(device.readOnly, true);
    await assert.rejects(device.writeDurably(0, sector(1), long), {
      code: 'EPERM',
      message: /the export is read-only$/,
    });
  });
});
