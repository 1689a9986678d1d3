import assert from 'node:assert/strict';
import { IscsiBlockDevice } from './device.ts';
import { needsTgt, Tgt } from './tgt.fixture.ts';

const long = 8000;

describe('the iSCSI block device with tgt', function () {
  this.timeout(20_000);
  before(async function () {
    await needsTgt(this);
  });

  it('reads back what it wrote, many requests at a time', async () => {
    await using tgt = await Tgt.start();
    await using device = await IscsiBlockDevice.open({ address: tgt.address(1) }, long);
    assert.deepEqual([device.sizeBytes, device.sectorBytes, device.readOnly], [1 << 20, 512, false]);
    assert.equal(device.durability, 'fua');
    const indexes = Array.from({ length: 256 }, (_, index) => index);
    await Promise.all(
      indexes.map((index) => device.writeDurably(index * 512, new Uint8Array(512).fill(index), long)),
    );
    const reads = await Promise.all(indexes.map((index) => device.read(index * 512, 512, long)));
    assert.deepEqual(
      reads.map((bytes) => [bytes[0], bytes[511], bytes.length]),
      indexes.map((index) => [index, index, 512]),
    );
  });
});
