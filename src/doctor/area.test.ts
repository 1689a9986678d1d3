import assert from 'node:assert/strict';
import { encodeHeader } from '../area/header.ts';
import { areaBytes, recordOffset } from '../area/layout.ts';
import { encodeRecord } from '../area/record.ts';
import type { Header } from '../protocol/types.ts';
import { judgeArea, lookAtArea, observedBytes, reservedBytes } from './area.ts';
import { MemoryDevice } from './memory-device.fixture.ts';

const KiB = 1024;
const timings = { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 };
const header: Header = { clusterId: 'c1'.repeat(16), sectorBytes: 512, slots: 3, mode: 'plain', timings };

function withHeader(changed: Partial<Header> = {}, sizeBytes = 64 * KiB, sectorBytes = 512): MemoryDevice {
  const device = new MemoryDevice(sizeBytes, { sectorBytes });
  device.bytes.set(encodeHeader({ ...header, ...changed }));
  return device;
}

describe('the quorum area on a storage', () => {
  it('is looked at without a write', async () => {
    const device = withHeader();
    await lookAtArea(device, 1000);
    assert.deepEqual(device.written, []);
  });

  it('is none where there are zeroes or other data', async () => {
    const empty = new MemoryDevice(64 * KiB);
    assert.equal(judgeArea(await lookAtArea(empty, 1000)).state, 'ok');
    empty.bytes[4000] = 1;
    const foreign = judgeArea(await lookAtArea(empty, 1000));
    assert.deepEqual([foreign.state, foreign.why], ['warning', 'none: other data is at the beginning']);
  });

  it('is told with its owner', async () => {
    const device = withHeader();
    assert.match(
      judgeArea(await lookAtArea(device, 1000)).why,
      /3 slots in sectors of 512 bytes.*nobody has owned/,
    );
    const { clusterId, sectorBytes } = header;
    const record = {
      status: 1,
      node: 'b',
      epoch: 7,
      incarnation: 'a'.repeat(32),
      count: 1,
      successor: '',
      pause: null,
    };
    device.bytes.set(encodeRecord(record as never, { clusterId, sectorBytes }), recordOffset(512));
    assert.match(judgeArea(await lookAtArea(device, 1000)).why, /; owner b, epoch 7$/);
    device.bytes[recordOffset(512) + 100]! ^= 1;
    assert.equal(judgeArea(await lookAtArea(device, 1000)).state, 'warning');
  });

  it('is a problem when its header is damaged, and when the device ends before it does', async () => {
    const damaged = withHeader();
    damaged.bytes[60]! ^= 1;
    assert.deepEqual(
      [await lookAtArea(damaged, 1000)].map((area) => [area.kind, judgeArea(area).state]),
      [['damaged', 'problem']],
    );
    const short = judgeArea(await lookAtArea(withHeader({ slots: 64 }, 8 * KiB), 1000));
    assert.equal(short.state, 'problem');
    assert.match(short.why, /the device ends before it does/);
  });

  it('is measured at its own size, and that of a small one where there is none', async () => {
    const device = withHeader({ slots: 9 });
    assert.equal(observedBytes(await lookAtArea(device, 1000), device), areaBytes(512, 9));
    assert.equal(observedBytes({ kind: 'empty' }, device), areaBytes(512, 3));
    assert.equal(
      observedBytes({ kind: 'empty' }, new MemoryDevice(64 * KiB, { sectorBytes: 4096 })),
      areaBytes(4096, 3),
    );
    assert.equal(observedBytes({ kind: 'empty' }, new MemoryDevice(1536)), 1536);
  });

  it('is reserved in full, and as much as one could have where it cannot be read', async () => {
    const device = withHeader({ slots: 9 });
    assert.equal(reservedBytes(await lookAtArea(device, 1000), 512), areaBytes(512, 9));
    assert.equal(reservedBytes({ kind: 'empty' }, 512), areaBytes(512, 64));
    assert.equal(reservedBytes({ kind: 'empty' }, 4096), areaBytes(4096, 64));
    assert.equal(reservedBytes({ kind: 'damaged', why: '' }, 512), areaBytes(4096, 64));
  });
});
