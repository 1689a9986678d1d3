import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { NbdConnection } from './connection.ts';
import { NbdBlockDevice } from './device.ts';
import { freeAddress, needs, Scratch, startNbdkit, type StockServer } from './servers.fixture.ts';

const long = 8000;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** nbdkit with these arguments; `DIR` in an argument is the test's own folder. */
async function running(
  stack: AsyncDisposableStack,
  args: readonly string[],
): Promise<{ scratch: Scratch; server: StockServer }> {
  const scratch = stack.use(await Scratch.make());
  const address = await freeAddress('unix', scratch);
  const here = args.map((argument) => argument.replace('DIR', scratch.path));
  return { scratch, server: stack.use(await startNbdkit(scratch, here, address)) };
}

describe('the NBD block device with nbdkit in its variants', function () {
  this.timeout(20_000);
  before(async function () {
    await needs(this, 'nbdkit', 'nbdkit');
  });

  // prettier-ignore
  const variants: readonly [what: string, args: readonly string[], structured: boolean, minimum: number][] = [
    [ 'structured replies',                          [],                     true,  1 ],
    [ 'simple replies',                              ['--no-sr'],            false, 1 ],
    [ 'no options but the export name, with zeroes', ['--mask-handshake=0'], false, 512 ],
    [ 'fixed newstyle, with zeroes',                 ['--mask-handshake=1'], true,  1 ],
    [ 'no options but the export name',              ['--mask-handshake=2'], false, 512 ],
  ];
  for (const [what, args, structured, minimum] of variants) {
    it(`reads back what it wrote with ${what}, many requests at a time`, async () => {
      await using stack = new AsyncDisposableStack();
      const { server } = await running(stack, [...args, 'memory', '1M']);
      const { address } = server;
      await using connection = await NbdConnection.open({ address, exportName: '', deadlineMs: long });
      assert.deepEqual(
        [connection.structuredReplies, connection.info.blockSizes.minimumBytes],
        [structured, minimum],
      );
      const device = stack.use(await NbdBlockDevice.open(address, '', long));
      const indexes = Array.from({ length: 256 }, (_, index) => index);
      await Promise.all(
        indexes.map((index) => device.writeDurably(index * 512, filled(512, index % 251), long)),
      );
      const reads = await Promise.all(indexes.map((index) => device.read(index * 512, 512, long)));
      assert.deepEqual(
        reads.map((bytes) => [bytes.length, bytes[0], bytes[511]]),
        indexes.map((index) => [512, index % 251, index % 251]),
      );
      assert.equal((await device.read(0, 1 << 20, long)).length, 1 << 20);
    });
  }

  it('does not come to an oldstyle server, and says so', async () => {
    await using stack = new AsyncDisposableStack();
    const { server } = await running(stack, ['-o', 'memory', '1M']);
    await assert.rejects(NbdBlockDevice.open(server.address, '', long), {
      name: 'DeviceUnusable',
      message: /: an oldstyle NBD server; newstyle is needed$/,
    });
  });

  for (const args of [[], ['--no-sr']]) {
    it(`lets one request fail and no other one ${args.join(' ')}`, async () => {
      await using stack = new AsyncDisposableStack();
      const failing = [
        'error-pread=EIO',
        'error-pread-rate=50%',
        'error-zero=ENOSPC',
        'error-zero-rate=100%',
      ];
      const { server } = await running(stack, [...args, '--filter=error', 'memory', '1M', ...failing]);
      const device = stack.use(await NbdBlockDevice.open(server.address, '', long));
      const codeOf = (request: Promise<unknown>): Promise<unknown> =>
        request.then(
          () => 'ok',
          (error: { code?: string }) => error.code,
        );
      const indexes = Array.from({ length: 100 }, (_, index) => index * 512);
      const reads = Promise.all(indexes.map((at) => codeOf(device.read(at, 512, long))));
      const trims = Promise.all(indexes.map((at) => codeOf(device.trim(at, 512, long))));
      const zeroes = Promise.all(indexes.map((at) => codeOf(device.writeZeroesDurably(at, 512, long))));
      // Half of 100 reads fail, by chance: that all or none do happens once in 2^99 runs.
      assert.deepEqual(new Set(await reads), new Set(['ok', 'EIO']));
      assert.deepEqual(new Set(await trims), new Set(['ok']));
      assert.deepEqual(new Set(await zeroes), new Set(['ENOSPC']));
    });
  }

  it('clears with the flags it was asked to, as the server logs it', async () => {
    await using stack = new AsyncDisposableStack();
    const { scratch, server } = await running(stack, ['--filter=log', 'memory', '8G', 'logfile=DIR/log']);
    const device = stack.use(await NbdBlockDevice.open(server.address, '', long));
    await device.writeDurably(4096, filled(4096, 7), long);
    await device.writeZeroesDurably(4096, 512, long);
    await device.writeZeroesDurably(4608, 512, long, { keepAllocated: true });
    await device.writeZeroesDurably(5120, 512, long, { onlyFast: true });
    await device.writeZeroesDurably(2 ** 32, 3 * 2 ** 30, long);
    await device.trim(5632, 2048, long);
    const bytes = await device.read(4096, 4096, long);
    assert.deepEqual([bytes.indexOf(7), bytes.lastIndexOf(7)], [2048 + 1536, 4095]);
    const log = await readFile(scratch.file('log'), 'utf8');
    const requests = log.matchAll(/ (Zero|Trim) id=\d+ (offset=.*) \.\.\.$/gm);
    assert.deepEqual(
      Array.from(requests, ([, what, flags]) => `${what} ${flags}`),
      [
        'Zero offset=0x1000 count=0x200 trim=1 fua=1 fast=0',
        'Zero offset=0x1200 count=0x200 trim=0 fua=1 fast=0',
        'Zero offset=0x1400 count=0x200 trim=1 fua=1 fast=1',
        'Zero offset=0x100000000 count=0xc0000000 trim=1 fua=1 fast=0',
        'Trim offset=0x1600 count=0x800 fua=0',
      ],
    );
  });

  it('is told that zeroes are not fast, or not to be had', async () => {
    await using stack = new AsyncDisposableStack();
    const slow = await running(stack, [
      '--filter=nozero',
      'memory',
      '1M',
      'zeromode=notrim',
      'fastzeromode=slow',
    ]);
    const device = stack.use(await NbdBlockDevice.open(slow.server.address, '', long));
    await device.writeDurably(0, filled(512, 7), long);
    await assert.rejects(device.writeZeroesDurably(0, 512, long, { onlyFast: true }), {
      code: 'ENOTSUP',
      message: /failed with NBD error 95 \(ENOTSUP\)/,
    });
    assert.equal((await device.read(0, 512, long))[0], 7);
    await device.writeZeroesDurably(0, 512, long);
    assert.equal((await device.read(0, 512, long))[0], 0);

    const none = await running(stack, ['--filter=nozero', 'memory', '1M']);
    const other = stack.use(await NbdBlockDevice.open(none.server.address, '', long));
    await assert.rejects(other.writeZeroesDurably(0, 512, long), {
      code: 'ENOTSUP',
      message: /was not sent: the export does not offer to write zeroes$/,
    });
  });

  it('does not know the outcome while the server pauses, and goes on when it does', async () => {
    await using stack = new AsyncDisposableStack();
    const args = ['--filter=pause', 'memory', '1M', 'pause-control=DIR/control'];
    const { scratch, server } = await running(stack, args);
    const device = stack.use(await NbdBlockDevice.open(server.address, '', long));
    const control = connect(scratch.file('control'));
    const told = async (letter: string): Promise<string> => {
      control.write(letter);
      const [answer] = (await once(control, 'data')) as [Buffer];
      return answer.toString();
    };
    try {
      assert.equal(await told('p'), 'P');
      await assert.rejects(device.writeDurably(0, filled(512, 9), 200), {
        name: 'OutcomeUnknown',
        message: /: write of 512 bytes at 0 was not answered within \d+ ms$/,
      });
      assert.equal(await told('r'), 'R');
    } finally {
      control.destroy();
    }
    await device.writeDurably(512, filled(512, 8), long);
    assert.equal((await device.read(512, 512, long))[0], 8);
  });

  it('hears of a block size it could not ask for by errors, each of one request', async () => {
    await using stack = new AsyncDisposableStack();
    const policy = ['blocksize-minimum=4096', 'blocksize-preferred=4096', 'blocksize-error-policy=error'];
    const { server } = await running(stack, [
      ...['--mask-handshake=0', '--filter=blocksize-policy', 'memory', '1M', ...policy],
    ]);
    const device = stack.use(await NbdBlockDevice.open(server.address, '', long));
    assert.equal(device.sectorBytes, 512);
    const whole = device.writeDurably(4096, filled(4096, 7), long);
    await assert.rejects(device.read(512, 512, long), {
      code: 'EINVAL',
      message: /failed with NBD error 22 \(EINVAL\)$/,
    });
    await whole;
    assert.equal((await device.read(4096, 4096, long))[4095], 7);
  });

  it('is not let in by a server that can but close, and says so', async () => {
    await using stack = new AsyncDisposableStack();
    const { server } = await running(stack, [
      ...['--mask-handshake=0', '--filter=exportname', 'memory', '1M'],
      ...['exportname=quorum', 'exportname-strict=true'],
    ]);
    stack.use(await NbdBlockDevice.open(server.address, 'quorum', long));
    await assert.rejects(NbdBlockDevice.open(server.address, 'other', long), {
      name: 'RequestFailed',
      code: 'ENOTCONN',
      message: /closed the connection when asked for the export: it may not have it$/,
    });
  });
});
