import assert from 'node:assert/strict';
import { AlignedMemory } from './aligned-memory.ts';

describe('aligned memory', () => {
  it('is used again after it was given back, and not before', () => {
    const memory = new AlignedMemory();
    const [one, two] = [memory.borrow(512), memory.borrow(512)];
    assert.notEqual(one.buffer, two.buffer);
    memory.giveBack(one);
    const three = memory.borrow(4096);
    assert.equal(three.buffer, one.buffer);
    assert.equal(three.length, 4096);
  });

  it('comes in whole pages of 64 KiB, and a longer request never gets a shorter piece', () => {
    const memory = new AlignedMemory();
    memory.giveBack(memory.borrow(65536));
    const longer = memory.borrow(65537);
    assert.deepEqual([longer.length, longer.buffer.byteLength, longer.byteOffset], [65537, 131072, 0]);
  });

  it('keeps 16 unused pieces and no more', () => {
    const memory = new AlignedMemory();
    const pieces = Array.from({ length: 17 }, () => memory.borrow(1));
    for (const piece of pieces) memory.giveBack(piece);
    memory.giveBack(memory.borrow(1));
    const again = new Set(Array.from({ length: 17 }, () => memory.borrow(1).buffer));
    assert.equal(pieces.filter((piece) => again.has(piece.buffer)).length, 16);
  });
});
