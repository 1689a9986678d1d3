import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { OutOfBounds, Reader, Writer } from './cursor.ts';

describe('the cursors', () => {
  it('put numbers most significant byte first', () => {
    const bytes = new Uint8Array(15);
    new Writer(bytes).u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0fn);
    assert.equal(Buffer.from(bytes).toString('hex'), '0102030405060708090a0b0c0d0e0f');
  });

  it('read back what was put', () => {
    const fields = fc.tuple(
      fc.nat(0xff),
      fc.nat(0xffff),
      fc.nat(0xffffffff),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 9 }),
    );
    fc.assert(
      fc.property(fields, ([a, b, c, d, e]) => {
        const bytes = new Uint8Array(16 + e.length);
        const writer = new Writer(bytes).u8(a).u16(b).u32(c).skip(1).u64(d).bytes(e);
        assert.equal(writer.remaining, 0);
        const reader = new Reader(bytes);
        assert.deepEqual([reader.u8(), reader.u16(), reader.u32()], [a, b, c]);
        reader.skip(1);
        assert.equal(reader.u64(), d);
        assert.deepEqual(Buffer.from(reader.bytes(e.length)), Buffer.from(e));
        assert.deepEqual([reader.offset, reader.remaining], [bytes.length, 0]);
      }),
    );
  });

  it('stay inside a view that begins in the middle of its buffer', () => {
    const buffer = new Uint8Array(8);
    new Writer(buffer.subarray(2, 6)).u32(0xaabbccdd);
    assert.equal(Buffer.from(buffer).toString('hex'), '0000aabbccdd0000');
    assert.equal(new Reader(buffer.subarray(2, 6)).u32(), 0xaabbccdd);
  });

  it('refuse to pass the end, say where, and stay where they were', () => {
    const reader = new Reader(new Uint8Array(6));
    reader.u32();
    assert.throws(() => reader.u32(), new OutOfBounds('reading 4 bytes at 4 of 6'));
    assert.equal(reader.u16(), 0);
    const writer = new Writer(new Uint8Array(6));
    writer.u32(7);
    assert.throws(() => writer.bytes(new Uint8Array(3)), new OutOfBounds('writing 3 bytes at 4 of 6'));
    assert.equal(writer.offset, 4);
  });

  it('refuse a negative length', () => {
    assert.throws(() => new Reader(new Uint8Array(6)).skip(-1), OutOfBounds);
  });
});
