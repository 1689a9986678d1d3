import assert from 'node:assert/strict';
import { open, readFile, stat } from 'node:fs/promises';
import { NbdConnection } from './connection.ts';
import { NbdBlockDevice } from './device.ts';
import {
  freeAddress,
  needs,
  Scratch,
  startQemuNbd,
  startQemuStorageDaemon,
  type StockServer,
  type Transport,
} from './servers.fixture.ts';

const long = 8000;
const size = 4 << 20;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

type Start = (scratch: Scratch, image: string, transport: Transport) => Promise<StockServer>;

/** An image of holes with one MiB of sevens in the middle, served. */
async function running(
  stack: AsyncDisposableStack,
  start: Start,
  transport: Transport = 'unix',
): Promise<{ image: string; server: StockServer }> {
  const scratch = stack.use(await Scratch.make());
  const image = scratch.file('image');
  await using file = await open(image, 'w');
  await file.truncate(size);
  await file.write(filled(1 << 20, 7), 0, 1 << 20, 1 << 20);
  return { image, server: stack.use(await start(scratch, image, transport)) };
}

const programs: readonly [program: string, debianPackage: string, start: Start][] = [
  [
    'qemu-storage-daemon',
    'qemu-system-common',
    async (scratch, image, transport) =>
      startQemuStorageDaemon(scratch, image, await freeAddress(transport, scratch)),
  ],
  [
    'qemu-nbd',
    'qemu-utils',
    async (scratch, image, transport) => {
      const args = ['-f', 'raw', '-e', '3', '-x', 'quorum', '--discard=unmap', image];
      return startQemuNbd(scratch, args, await freeAddress(transport, scratch));
    },
  ],
];

for (const [program, debianPackage, start] of programs) {
  describe(`the NBD block device with ${program}, which answers in chunks`, function () {
    this.timeout(20_000);
    before(async function () {
      await needs(this, program, debianPackage);
    });

    for (const transport of ['tcp', 'unix'] as const) {
      it(`puts data and holes together over ${transport}`, async () => {
        await using stack = new AsyncDisposableStack();
        const { image, server } = await running(stack, start, transport);
        const { address } = server;
        await using connection = await NbdConnection.open({
          address,
          exportName: 'quorum',
          deadlineMs: long,
        });
        assert.equal(connection.structuredReplies, true);
        const device = stack.use(await NbdBlockDevice.open(address, 'quorum', long));
        const expected = await readFile(image);
        assert.equal(Buffer.compare(await device.read(0, size, long), expected), 0);
        const parts = await Promise.all(
          Array.from({ length: 64 }, (_, at) => device.read(at * 65536, 65536, long)),
        );
        assert.equal(Buffer.compare(Buffer.concat(parts), expected), 0);
        const odd = await device.read((1 << 20) - 1024, 2048, long);
        assert.deepEqual([odd.indexOf(7), odd.lastIndexOf(0)], [1024, 1023]);
      });
    }

    it('keeps space where it is told to, and gives it back where it may', async () => {
      await using stack = new AsyncDisposableStack();
      const { image, server } = await running(stack, start);
      const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
      const allocated = async (): Promise<number> => (await stat(image)).blocks * 512;
      await device.writeZeroesDurably(0, 1 << 20, long, { keepAllocated: true });
      const kept = await allocated();
      assert.ok(kept >= 2 << 20, `${kept}`);
      await device.writeZeroesDurably(1 << 20, 1 << 19, long);
      await device.trim(3 << 19, 1 << 19, long);
      await device.writeDurably(size - 512, filled(512, 1), long);
      const left = await allocated();
      assert.ok(left < kept - 0.9 * 2 ** 20, `${left} of ${kept}`);
      assert.equal((await device.read(0, 3 << 19, long)).indexOf(7), -1);
    });

    it('shares an export with other clients: what one wrote the others read', async () => {
      await using stack = new AsyncDisposableStack();
      const { server } = await running(stack, start);
      const devices = [];
      for (let count = 0; count < 3; count += 1)
        devices.push(stack.use(await NbdBlockDevice.open(server.address, 'quorum', long)));
      await Promise.all(
        devices.map((device, index) => device.writeDurably(index * 512, filled(512, index + 1), long)),
      );
      for (const device of devices) {
        const bytes = await device.read(0, 1536, long);
        assert.deepEqual([bytes[0], bytes[512], bytes[1024]], [1, 2, 3]);
      }
    });

    it('does not know what became of what was in flight when it is killed, and finds nobody there', async () => {
      await using stack = new AsyncDisposableStack();
      const { server } = await running(stack, start);
      const device = stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
      const ends = Promise.allSettled(
        Array.from({ length: 8 }, () => device.writeDurably(0, filled(1 << 20, 2), long)),
      );
      await device.read(0, 512, long);
      await server.kill();
      const names = (await ends).map((end) =>
        end.status === 'rejected' ? (end.reason as Error).name : 'ok',
      );
      assert.ok(
        names.every((name) => name === 'OutcomeUnknown' || name === 'ok'),
        names.join(' '),
      );
      await assert.rejects(device.read(0, 512, long), { name: 'RequestFailed', code: 'ENOTCONN' });
    });
  });
}
