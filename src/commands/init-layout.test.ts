import assert from 'node:assert/strict';
import { headerOf } from '../area/area.fixture.ts';
import { decodeHeader } from '../area/header.ts';
import { type BlockDevice, OutcomeUnknown } from '../ports/block-device.ts';
import { CommandError } from './errors.ts';
import { layOut, planOf } from './init-layout.ts';

const NODES = ['a', 'b'];

/** A disk in memory; `harm` may throw, or change the bytes, at a write. */
function disk(
  harm: (offset: number, bytes: Uint8Array) => void = () => undefined,
): BlockDevice & { bytes: Uint8Array } {
  const bytes = new Uint8Array(8192);
  return {
    ...{ bytes, name: 'disk', sizeBytes: bytes.length, sectorBytes: 512, readOnly: false },
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    writeDurably: async (offset, sector) => {
      const written = Uint8Array.from(sector);
      harm(offset, written);
      bytes.set(written, offset);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

describe('the writes of init', () => {
  it('end with the header, so that an area which was not finished is not one', () => {
    const plan = planOf(headerOf(512), NODES, undefined, 1);
    assert.deepEqual(
      plan.map(({ what, offset }) => `${what} ${offset}`),
      ['slot 0 1024', 'slot 1 1536', 'free slot 2 2048', 'the ownership record 512', 'the header 0'],
    );
  });

  it('begin with the old header where there is one, and cover all of the old area', () => {
    const plan = planOf(headerOf(512), NODES, 7 * 512, 1);
    assert.deepEqual(
      plan.map(({ what, offset }) => `${what} ${offset}`),
      [
        'the old header 0',
        'slot 0 1024',
        'slot 1 1536',
        'free slot 2 2048',
        'what was behind it 2560',
        'what was behind it 3072',
        'the ownership record 512',
        'the header 0',
      ],
    );
  });

  it('never leave a header behind when they stop half-way, at whichever write', async () => {
    const plan = planOf(headerOf(512), NODES, 7 * 512, 1);
    for (let failing = 0; failing < plan.length; failing += 1) {
      let writes = 0;
      const device = disk(() => {
        writes += 1;
        if (writes > failing) throw new OutcomeUnknown('no answer in 5000 ms');
      });
      device.bytes.set(planOf(headerOf(512), NODES, undefined, 0).at(-1)!.sector);
      const told = `disk: nothing was laid out: writing ${plan[failing]!.what} failed: no answer in 5000 ms`;
      await assert.rejects(layOut(device, plan), new CommandError(told, 3));
      if (failing > 0) assert.equal(decodeHeader(device.bytes.subarray(0, 512)).kind, 'null');
    }
  });

  it('are read back, every one', async () => {
    for (const offset of [0, 512, 1024, 1536, 2048]) {
      const device = disk((at, bytes) => {
        if (at === offset) bytes[300]! ^= 1;
      });
      await assert.rejects(layOut(device, planOf(headerOf(512), NODES, undefined, 1)), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`^disk: .* at ${offset} reads back differently from what was written$`),
        );
        return true;
      });
    }
  });

  it('are finished before an interrupt ends the program', async () => {
    const device = disk((offset) => {
      if (offset === 1024) process.emit('SIGTERM');
    });
    const before = process.exitCode;
    const listeners = process.listenerCount('SIGTERM');
    await layOut(device, planOf(headerOf(512), NODES, undefined, 1));
    assert.equal(process.exitCode, 130);
    process.exitCode = before;
    assert.equal(decodeHeader(device.bytes.subarray(0, 512)).kind, 'valid');
    assert.equal(process.listenerCount('SIGTERM'), listeners);
  });
});
