import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import { MemoryDevice } from './memory-device.fixture.ts';
import { Scratch, type ScratchRange } from './scratch.ts';

const KiB = 1024;
const options = { writeBytes: 512, reservedBytes: 4 * KiB, deadlineMs: 1000 };
const range = (offsetBytes: number, lengthBytes: number): ScratchRange => ({ offsetBytes, lengthBytes });

describe('a scratch range', () => {
  it('is the only place that is ever written, and is zero again afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 8, max: 120 }),
        fc.integer({ min: 1, max: 8 }),
        async (at, sectors) => {
          const device = new MemoryDevice(64 * KiB);
          device.bytes.fill(7);
          device.bytes.fill(0, at * 512, (at + sectors) * 512);
          const before = Uint8Array.from(device.bytes);
          const scratch = await Scratch.prepare(device, range(at * 512, sectors * 512), options);
          assert.equal(device.written.length, 0);
          for (let count = 0; count < 20; count += 1) {
            await scratch.write();
            assert.deepEqual(device.bytes.subarray(0, at * 512), before.subarray(0, at * 512));
            assert.deepEqual(
              device.bytes.subarray((at + sectors) * 512),
              before.subarray((at + sectors) * 512),
            );
          }
          assert.notDeepEqual(device.bytes, before);
          await scratch.restore();
          assert.deepEqual(device.bytes, before);
          assert.equal(scratch.dirty, false);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gets other bytes with every write', async () => {
    const device = new MemoryDevice(64 * KiB);
    const scratch = await Scratch.prepare(device, range(8 * KiB, 512), options);
    const seen = new Set<string>();
    for (let count = 0; count < 10; count += 1) {
      await scratch.write();
      seen.add(Buffer.from(device.bytes).toString('latin1'));
    }
    assert.equal(seen.size, 10);
  });

  // prettier-ignore
  const refused: readonly (readonly [string, ScratchRange, RegExp])[] = [
    ['in the quorum area',              range(0, 512),            /--scratch 0\+512: the first 4096 bytes are a quorum area's, and never written/],
    ['that begins in the quorum area',  range(3584, 1024),        /the first 4096 bytes are a quorum area's/],
    ['past the end',                    range(65_024, 1024),      /the storage has 65536 bytes/],
    ['of no bytes',                     range(8192, 0),           /multiples of 512/],
    ['that is no whole sectors',        range(8192, 100),         /multiples of 512/],
    ['off the sectors',                 range(8200, 512),         /multiples of 512/],
    ['of more than it takes',           range(0, 2 ** 21),        /at most 1048576 bytes/],
  ];
  for (const [what, named, why] of refused) {
    it(`is refused ${what}, as a wrong argument, and nothing is written`, async () => {
      const device = new MemoryDevice(64 * KiB);
      await assert.rejects(Scratch.prepare(device, named, options), { exitCode: 64, message: why });
      assert.deepEqual(device.written, []);
    });
  }

  it('is refused on a read-only storage', async () => {
    const device = new MemoryDevice(64 * KiB, { readOnly: true });
    await assert.rejects(Scratch.prepare(device, range(8192, 512), options), { message: /read-only/ });
  });

  it('is refused where a single byte of it is in use, and the place is named', async () => {
    const device = new MemoryDevice(64 * KiB);
    device.bytes[8192 + 1023] = 1;
    await assert.rejects(Scratch.prepare(device, range(8192, 2048), options), {
      exitCode: 3,
      message: /--scratch 8192\+2048: from byte 8704 on is something/,
    });
  });

  it('is taken where a doctor that was killed had left its bytes', async () => {
    const device = new MemoryDevice(64 * KiB);
    await (await Scratch.prepare(device, range(8192, 1024), options)).write();
    const scratch = await Scratch.prepare(device, range(8192, 1024), options);
    await scratch.write();
    await scratch.restore();
    assert.ok(device.bytes.every((byte) => byte === 0));
  });

  it('tells whether another client reads what was acknowledged', async () => {
    const device = new MemoryDevice(64 * KiB);
    const scratch = await Scratch.prepare(device, range(8192, 512), options);
    assert.equal(await scratch.isSeenBy(device), undefined);
    await scratch.write();
    assert.equal(await scratch.isSeenBy(device), true);
    assert.equal(await scratch.isSeenBy(new MemoryDevice(64 * KiB)), false);
  });

  it('is dirty from the moment of a write on, before that was answered', async () => {
    const device = new MemoryDevice(64 * KiB);
    const scratch = await Scratch.prepare(device, range(8192, 512), options);
    assert.equal(scratch.dirty, false);
    const writing = scratch.write();
    assert.equal(scratch.dirty, true);
    await writing;
  });

  for (const [what, error, uncertain] of [
    ['never answered', new OutcomeUnknown('late'), true],
    ['failed by the storage', new RequestFailed('EIO', 'EIO'), true],
    ['never sent', new RequestFailed('not sent', 'ENOTCONN', { effect: 'none' }), false],
  ] as const) {
    it(`${uncertain ? 'may' : 'cannot'} be written later by a write that was ${what}`, async () => {
      const device = new MemoryDevice(64 * KiB);
      const scratch = await Scratch.prepare(device, range(8192, 512), options);
      device.failures.write.push(error);
      await assert.rejects(scratch.write(), error);
      await scratch.restore();
      assert.equal(scratch.uncertain, uncertain);
    });
  }
});
