import assert from 'node:assert/strict';
import { SpareMemory } from './spare-memory.ts';

const mebibyte = 1024 * 1024;

describe('spare memory', () => {
  it('is used again after it was given back, and not before', () => {
    const memory = new SpareMemory();
    const one = memory.copyOf(Uint8Array.of(1, 2, 3));
    const two = memory.copyOf(Uint8Array.of(4));
    assert.notEqual(one.buffer, two.buffer);
    assert.deepEqual([...one, ...two], [1, 2, 3, 4]);
    memory.giveBack(one);
    const three = memory.copyOf(new Uint8Array(4096).fill(5));
    assert.equal(three.buffer, one.buffer);
    assert.ok(three.length === 4096 && three.every((byte) => byte === 5));
    assert.notEqual(memory.copyOf(Uint8Array.of(6)).buffer, one.buffer);
  });

  it('is never shorter than what it is asked for', () => {
    const memory = new SpareMemory();
    memory.giveBack(memory.copyOf(new Uint8Array(65536)));
    assert.equal(memory.copyOf(new Uint8Array(65537)).length, 65537);
  });

  it('is one MiB at most, in pieces of half of it at most', () => {
    const memory = new SpareMemory();
    const large = memory.copyOf(new Uint8Array(mebibyte));
    memory.giveBack(large);
    assert.notEqual(memory.copyOf(new Uint8Array(mebibyte)).buffer, large.buffer);
    const halves = Array.from({ length: 3 }, () => memory.copyOf(new Uint8Array(mebibyte / 2)));
    for (const half of halves) memory.giveBack(half);
    const again = new Set(halves.map(() => memory.copyOf(new Uint8Array(mebibyte / 2)).buffer));
    assert.equal(halves.filter((half) => again.has(half.buffer)).length, 2);
  });
});
