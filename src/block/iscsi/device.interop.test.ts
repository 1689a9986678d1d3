import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { IscsiBlockDevice } from './device.ts';
import { IscsiSession } from './session.ts';
import { needsTgt, Tgt, type TgtOptions } from './tgt.fixture.ts';

const long = 8000;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

interface Running extends AsyncDisposable {
  tgt: Tgt;
  device: IscsiBlockDevice;
}

async function running(options: TgtOptions = {}): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const tgt = stack.use(await Tgt.start(options));
  const device = stack.use(await IscsiBlockDevice.open({ address: tgt.address(1) }, long));
  const kept = stack.move();
  return { tgt, device, [Symbol.asyncDispose]: () => kept.disposeAsync() };
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

describe('the iSCSI block device with tgt', function () {
  this.timeout(30_000);
  before(async function () {
    await needsTgt(this);
  });

  it('reads back what it wrote, many requests at a time, and it is in the file', async () => {
    await using it = await running();
    const { device, tgt } = it;
    assert.deepEqual([device.sizeBytes, device.sectorBytes, device.readOnly], [1 << 20, 512, false]);
    assert.equal(device.durability, 'fua');
    const indexes = Array.from({ length: 256 }, (_, index) => index);
    await Promise.all(indexes.map((index) => device.writeDurably(index * 512, sector(index), long)));
    const reads = await Promise.all(indexes.map((index) => device.read(index * 512, 512, long)));
    assert.deepEqual(
      reads.map((bytes) => [bytes[0], bytes[511], bytes.length]),
      indexes.map((index) => [index, index, 512]),
    );
    const file = await readFile(tgt.image(1));
    assert.deepEqual(
      indexes.map((index) => file[index * 512]),
      indexes,
    );
  });

  for (const [title, settings] of [
    ['as tgt has it', {}],
    ['in large segments', { MaxRecvDataSegmentLength: '262144', MaxXmitDataSegmentLength: '262144' }],
    ['without immediate data', { ImmediateData: 'No', InitialR2T: 'Yes' }],
    ['with unsolicited data', { InitialR2T: 'No', FirstBurstLength: '131072' }],
    ['in short bursts', { MaxBurstLength: '16384', FirstBurstLength: '4096', MaxOutstandingR2T: '8' }],
  ] as const) {
    it(`moves 1 MiB at a time, sixteen at a time, ${title}`, async () => {
      await using it = await running({ settings, units: [{ lun: 1, sizeBytes: 16 << 20 }] });
      // Of a length that is no multiple of a block: no two blocks are the same.
      const pattern = randomBytes(4099);
      const bytes = (index: number): Uint8Array => Buffer.alloc(1 << 20, pattern.subarray(index));
      const indexes = Array.from({ length: 16 }, (_, index) => index);
      await Promise.all(indexes.map((index) => it.device.writeDurably(index << 20, bytes(index), long)));
      const reads = await Promise.all(indexes.map((index) => it.device.read(index << 20, 1 << 20, long)));
      for (const index of indexes)
        assert.ok(Buffer.from(bytes(index)).equals(reads[index]!), `block ${index}`);
    });
  }

  for (const [header, data] of [
    ['crc32c', 'none'],
    ['none', 'crc32c'],
    ['crc32c', 'crc32c'],
    ['prefer', 'prefer'],
  ] as const) {
    it(`protects what it says by digests: header ${header}, data ${data}`, async () => {
      await using tgt = await Tgt.start({
        settings: { HeaderDigest: 'CRC32C,None', DataDigest: 'CRC32C,None' },
      });
      const address = tgt.address(1, { headerDigest: header, dataDigest: data });
      await using session = await IscsiSession.open({ address, deadlineMs: long });
      assert.deepEqual(session.parameters.digests, { header: header !== 'none', data: data !== 'none' });
      await using device = await IscsiBlockDevice.open({ address }, long);
      const bytes = Uint8Array.from({ length: 65536 }, (_, at) => (at * 31) & 0xff);
      await device.writeDurably(4096, bytes, long);
      assert.ok(Buffer.from(bytes).equals(await device.read(4096, bytes.length, long)));
    });
  }

  it('keeps several units apart, and says which there are when asked for another one', async () => {
    const units = [{ lun: 1 }, { lun: 2, sizeBytes: 2 << 20 }, { lun: 300, blockBytes: 4096 }];
    await using tgt = await Tgt.start({ units });
    const sizes: number[][] = [];
    for (const { lun } of units) {
      await using device = await IscsiBlockDevice.open({ address: tgt.address(lun) }, long);
      sizes.push([device.sizeBytes, device.sectorBytes]);
      await device.writeDurably(0, new Uint8Array(4096).fill(lun), long);
    }
    assert.deepEqual(sizes, [
      [1 << 20, 512],
      [2 << 20, 512],
      [1 << 20, 4096],
    ]);
    for (const { lun } of units) assert.equal((await readFile(tgt.image(lun)))[0], lun & 0xff);
    await assert.rejects(IscsiBlockDevice.open({ address: tgt.address(7) }, long), {
      name: 'DeviceUnusable',
      message: `${tgt.uri(7)}: the target has no unit 7; it has 0, 1, 2, 300`,
    });
    // tgt's own unit for management.
    await assert.rejects(IscsiBlockDevice.open({ address: tgt.address(0) }, long), {
      name: 'DeviceUnusable',
      message: `${tgt.uri(0)}: unit 0 is no disk, but a device of type 0x0c`,
    });
  });

  it('writes no unit that is write-protected, and says why', async () => {
    await using it = await running({ units: [{ lun: 1, params: 'readonly=1' }] });
    assert.equal(it.device.readOnly, true);
    await assert.rejects(it.device.writeDurably(0, sector(1), long), {
      code: 'EPERM',
      message: /: write of 512 bytes at 0 was not sent: the unit is write-protected$/,
    });
    assert.equal((await it.device.read(0, 512, long))[0], 0);
  });

  it('does not know what became of anything in flight when tgt is killed, and goes on when it is back', async () => {
    await using it = await running({ units: [{ lun: 1, sizeBytes: 16 << 20 }] });
    const { device, tgt } = it;
    await device.writeDurably(0, sector(1), long);
    const requests = outcomes([
      ...Array.from({ length: 8 }, (_, i) =>
        device.writeDurably(i << 20, new Uint8Array(1 << 20).fill(2), long),
      ),
      ...Array.from({ length: 8 }, (_, i) => device.read(i << 20, 1 << 20, long)),
    ]);
    await tgt.kill();
    const ended = await requests;
    assert.ok(ended.includes('OutcomeUnknown'), `none of ${ended.length} requests was in flight`);
    assert.deepEqual(new Set(ended.filter((each) => each !== 'ok')), new Set(['OutcomeUnknown']));
    assert.deepEqual(await outcomes([device.writeDurably(0, sector(3), long), device.read(0, 512, long)]), [
      'ENOTCONN',
      'ENOTCONN',
    ]);
    await tgt.start();
    await device.writeDurably(0, sector(4), long);
    assert.ok(Buffer.from(sector(4)).equals(await device.read(0, 512, long)));
  });

  it('gives a tgt up that is stopped, within the deadline, and goes on with it when it continues', async () => {
    await using it = await running();
    const { device, tgt } = it;
    process.kill(tgt.pid, 'SIGSTOP');
    await assert.rejects(device.writeDurably(0, sector(5), 200), OutcomeUnknown);
    await assert.rejects(device.writeDurably(512, sector(6), 200), {
      code: 'ENOTCONN',
      effect: 'none',
      message:
        /: not connected: login, security negotiation: no answer within \d+ ms; write of 512 bytes at 512 was not sent$/,
    });
    process.kill(tgt.pid, 'SIGCONT');
    await device.writeDurably(1024, sector(7), long);
    const bytes = await device.read(0, 1536, long);
    // The first may have landed late; the second was never sent.
    assert.deepEqual([bytes[512], bytes[1024]], [0, 7]);
  });

  it('has a file that ends too soon for a unit', async () => {
    await using it = await running();
    await using file = await open(it.tgt.image(1), 'r+');
    await file.truncate(1024);
    assert.match((await outcomes([it.device.read(0, 4096, long)]))[0]!, /^MEDIUM ERROR /);
    assert.deepEqual(await outcomes([it.device.read(0, 1024, long)]), ['ok']);
  });
});
