import assert from 'node:assert/strict';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { RequestFailed } from '../../ports/block-device.ts';
import { NbdBlockDevice } from './device.ts';
import {
  freeAddress,
  needs,
  Scratch,
  startNbdkit,
  type StockServer,
  type Transport,
} from './servers.fixture.ts';

const long = 8000;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

interface Running extends AsyncDisposable {
  scratch: Scratch;
  server: StockServer;
  device: NbdBlockDevice;
}

/** nbdkit with these arguments and a device on it; `DIR` in an argument is the test's own folder. */
async function running(
  args: readonly string[],
  options: { transport?: Transport; exportName?: string } = {},
): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(await Scratch.make());
  const address = await freeAddress(options.transport ?? 'unix', scratch);
  const here = args.map((argument) => argument.replace('DIR', scratch.path));
  const server = stack.use(await startNbdkit(scratch, here, address));
  const device = stack.use(await NbdBlockDevice.open(address, options.exportName ?? '', long));
  const kept = stack.move();
  return { scratch, server, device, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** How each request ended: 'ok' or the name or code of its error. */
async function outcomes(requests: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(requests);
  return settled.map((result) => {
    if (result.status === 'fulfilled') return 'ok';
    const error: unknown = result.reason;
    return error instanceof RequestFailed ? error.code : (error as Error).name;
  });
}

describe('the NBD block device with nbdkit', function () {
  this.timeout(20_000);
  before(async function () {
    await needs(this, 'nbdkit', 'nbdkit');
  });

  for (const transport of ['tcp', 'unix'] as const) {
    it(`reads back what it wrote, many requests at a time, over ${transport}`, async () => {
      await using nbdkit = await running(['memory', '1M'], { transport });
      const { device } = nbdkit;
      assert.deepEqual([device.sizeBytes, device.sectorBytes, device.readOnly], [1 << 20, 512, false]);
      assert.equal(device.durability, 'fua');
      const indexes = Array.from({ length: 256 }, (_, index) => index);
      await Promise.all(indexes.map((index) => device.writeDurably(index * 512, sector(index), long)));
      const reads = await Promise.all(indexes.map((index) => device.read(index * 512, 512, long)));
      assert.deepEqual(
        reads.map((bytes) => [bytes[0], bytes[511], bytes.length]),
        indexes.map((index) => [index, index, 512]),
      );
      const whole = await device.read(0, 1 << 20, long);
      assert.deepEqual(
        indexes.map((index) => whole[index * 512]),
        indexes,
      );
    });

    it(`has written to the file when a write is answered, over ${transport}`, async () => {
      await using stack = new AsyncDisposableStack();
      const scratch = stack.use(await Scratch.make());
      await writeFile(scratch.file('image'), Buffer.alloc(65536));
      const address = await freeAddress(transport, scratch);
      stack.use(await startNbdkit(scratch, ['file', scratch.file('image')], address));
      const device = stack.use(await NbdBlockDevice.open(address, '', long));
      await device.writeDurably(4096, sector(7), long);
      const image = await readFile(scratch.file('image'));
      assert.equal(image.indexOf(7), 4096);
      assert.equal(image.lastIndexOf(7), 4096 + 511);
    });
  }

  it('gets answers in another order than it asked', async () => {
    await using nbdkit = await running(['--filter=delay', 'memory', '1M', 'rdelay=300ms']);
    const order: string[] = [];
    await Promise.all([
      nbdkit.device.read(0, 512, long).then(() => order.push('read')),
      nbdkit.device.writeDurably(512, sector(1), long).then(() => order.push('write')),
    ]);
    assert.deepEqual(order, ['write', 'read']);
  });

  it('does not know the outcome of a read that takes too long, and goes on with other requests', async () => {
    await using nbdkit = await running(['--filter=delay', 'memory', '1M', 'rdelay=1500ms']);
    const { device } = nbdkit;
    await assert.rejects(device.read(0, 512, 100), {
      name: 'OutcomeUnknown',
      message: `${device.name}: read of 512 bytes at 0 was not answered within 100 ms`,
    });
    await device.writeDurably(0, sector(1), long);
    assert.equal((await device.read(0, 512, long))[0], 1);
  });

  it('does not know the outcome of a write that takes too long: it lands later, and its answer is nobody\u2019s', async () => {
    await using nbdkit = await running(['--filter=delay', 'memory', '1M', 'wdelay=1200ms']);
    const { device } = nbdkit;
    const write = outcomes([device.writeDurably(0, sector(9), 500)]);
    // An answer meanwhile: the server lives, so the connection is kept, and with it the write (nbdkit's delay filter
    // drops what it holds when the client goes).
    assert.equal((await device.read(0, 512, long))[0], 0);
    assert.deepEqual(await write, ['OutcomeUnknown']);
    const untilMs = performance.now() + long;
    let seen = 0;
    while (seen !== 9 && performance.now() < untilMs) seen = (await device.read(0, 512, long))[0]!;
    assert.equal(seen, 9);
    await device.writeDurably(0, sector(8), long);
    assert.equal((await device.read(0, 512, long))[0], 8);
  });

  it('fails what the server fails with EIO, and nothing else in flight', async () => {
    await using nbdkit = await running([
      ...['--filter=error', 'memory', '1M', 'error-pread=EIO', 'error-pread-rate=50%'],
    ]);
    const { device } = nbdkit;
    const reads = Array.from({ length: 100 }, (_, index) => device.read(index * 512, 512, long));
    const writes = Array.from({ length: 100 }, (_, index) =>
      device.writeDurably(index * 512, sector(1), long),
    );
    const [ofReads, ofWrites] = await Promise.all([outcomes(reads), outcomes(writes)]);
    assert.deepEqual(new Set(ofWrites), new Set(['ok']));
    // Half of 100 reads fail, by chance: that all or none do happens once in 2^99 runs.
    assert.deepEqual(new Set(ofReads), new Set(['ok', 'EIO']));
  });

  it('leaves after ESHUTDOWN, which fails that request only, and comes back with the next one', async () => {
    await using nbdkit = await running([
      ...['--filter=error', 'memory', '1M', 'error-pwrite=ESHUTDOWN', 'error-pwrite-rate=100%'],
      'error-pwrite-file=DIR/shutdown',
    ]);
    const { device, scratch } = nbdkit;
    await writeFile(scratch.file('shutdown'), '');
    const reads = Array.from({ length: 20 }, (_, index) => device.read(index * 512, 512, long));
    const write = device.writeDurably(0, sector(1), long);
    const [ofWrite, ofReads] = await Promise.all([outcomes([write]), outcomes(reads)]);
    assert.deepEqual(ofWrite, ['ESHUTDOWN']);
    assert.deepEqual(new Set(ofReads), new Set(['ok']));
    await rm(scratch.file('shutdown'));
    await device.writeDurably(0, sector(2), long);
    assert.equal((await device.read(0, 512, long))[0], 2);
  });

  for (const transport of ['tcp', 'unix'] as const) {
    it(`does not know what became of writes in flight when the server is killed, over ${transport}`, async () => {
      const args = ['--filter=delay', 'memory', '1M', 'wdelay=60'];
      await using nbdkit = await running(args, { transport });
      const { device, server, scratch } = nbdkit;
      const writes = Array.from({ length: 8 }, (_, index) =>
        device.writeDurably(index * 512, sector(1), long),
      );
      const ends = outcomes(writes);
      // Its answer shows that the server has the writes before it.
      await device.read(0, 512, long);
      await server.kill();
      assert.deepEqual(new Set(await ends), new Set(['OutcomeUnknown']));
      await assert.rejects(device.writeDurably(0, sector(1), long), {
        name: 'RequestFailed',
        code: 'ENOTCONN',
      });

      await using again = await startNbdkit(scratch, ['memory', '1M'], server.address);
      assert.equal((await device.read(0, 512, long))[0], 0, 'nothing was repeated');
      await device.writeDurably(0, sector(3), long);
      assert.equal((await device.read(0, 512, long))[0], 3);
      await again.kill();
    });
  }

  it('is told that the export name is not the one admitted', async () => {
    const args = [
      '--filter=exportname',
      'memory',
      '1M',
      'exportname=data@a.3.0011aabb',
      'exportname-strict=true',
    ];
    await using nbdkit = await running(args, { exportName: 'data@a.3.0011aabb' });
    await nbdkit.device.writeDurably(0, sector(1), long);
    await assert.rejects(
      NbdBlockDevice.open(nbdkit.server.address, 'data@b.2.0011aabb', long),
      (error: Error) => {
        assert.equal(error.name, 'DeviceUnusable');
        assert.match(
          error.message,
          /\/data@b\.2\.0011aabb\?socket=.*: the server refused the export with NBD_REP_ERR_/,
        );
        return true;
      },
    );
  });

  it('sees that an export is read-only', async () => {
    await using nbdkit = await running(['-r', 'memory', '1M']);
    assert.equal(nbdkit.device.readOnly, true);
    await assert.rejects(nbdkit.device.writeDurably(0, sector(1), long), { code: 'EPERM' });
    assert.equal((await nbdkit.device.read(0, 512, long))[0], 0);
  });

  it('abides by a minimum block size of 4096', async () => {
    const policy = ['blocksize-minimum=4096', 'blocksize-preferred=4096', 'blocksize-error-policy=error'];
    await using nbdkit = await running(['--filter=blocksize-policy', 'memory', '1M', ...policy]);
    assert.equal(nbdkit.device.sectorBytes, 4096);
    await nbdkit.device.writeDurably(4096, new Uint8Array(4096), long);
    await assert.rejects(nbdkit.device.read(512, 512, long), { code: 'EINVAL', message: /was not sent/ });
  });

  for (const [what, filters, durability, expected] of [
    ['forces unit access', [], 'fua', /^.* Write id=\d+ offset=0x0 count=0x200 fua=1 /m],
    ['flushes where a server has no forced unit access', ['--filter=fua'], 'flush', /^.* Flush id=\d+ /m],
  ] as const) {
    it(`${what}, as the server logs it`, async () => {
      const args = [...filters, '--filter=log', 'memory', '1M', 'logfile=DIR/log'];
      await using nbdkit = await running(args);
      assert.equal(nbdkit.device.durability, durability);
      await nbdkit.device.writeDurably(0, sector(5), long);
      assert.match(await readFile(nbdkit.scratch.file('log'), 'utf8'), expected);
    });
  }

  it('reads an image larger than 4 GiB at its end', async () => {
    await using stack = new AsyncDisposableStack();
    const scratch = stack.use(await Scratch.make());
    const image = await open(scratch.file('image'), 'w');
    await image.truncate(2 ** 40);
    await image.close();
    const address = await freeAddress('unix', scratch);
    stack.use(await startNbdkit(scratch, ['file', scratch.file('image')], address));
    const device = stack.use(await NbdBlockDevice.open(address, '', long));
    await device.writeDurably(2 ** 40 - 512, sector(6), long);
    assert.equal((await device.read(2 ** 40 - 512, 512, long))[511], 6);
  });
});
