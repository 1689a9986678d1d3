import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Framing } from './framing.ts';

const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251);

describe('bytes off a stream', () => {
  it('come out as they went in, however they are cut', () => {
    const actions = fc.array(
      fc.record({
        push: fc.integer({ min: 0, max: 5000 }),
        take: fc.integer({ min: 0, max: 7000 }),
        into: fc.integer({ min: 0, max: 3000 }),
        keep: fc.boolean(),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(actions, (actions) => {
        const all = counted(actions.reduce((sum, { push }) => sum + push, 0));
        const framing = new Framing();
        let pushed = 0;
        let taken = 0;
        for (const { push, take, into, keep } of actions) {
          const chunk = all.slice(pushed, (pushed += push));
          framing.push(chunk);
          const target = new Uint8Array(into);
          const filled = framing.takeInto(target);
          assert.equal(filled, Math.min(into, pushed - taken));
          assert.deepEqual([...target.subarray(0, filled)], [...all.subarray(taken, (taken += filled))]);
          const slice = framing.take(take);
          assert.equal(slice !== undefined, take <= pushed - taken);
          if (slice !== undefined) assert.deepEqual([...slice], [...all.subarray(taken, (taken += take))]);
          assert.equal(framing.available, pushed - taken);
          if (!keep) continue;
          framing.keep();
          chunk.fill(255);
        }
      }),
    );
  });

  it('are all there when they came one by one', () => {
    const framing = new Framing();
    const all = counted(100_000);
    for (const byte of all) framing.push(Uint8Array.of(byte));
    assert.deepEqual(framing.take(1), all.subarray(0, 1));
    assert.deepEqual(framing.take(99_999), all.subarray(1));
    assert.equal(framing.take(1), undefined);
  });

  it('lie together when they came one by one, so that they cost bytes and not objects', () => {
    const framing = new Framing();
    for (const byte of [1, 2, 3, 4]) framing.push(Uint8Array.of(byte));
    framing.take(1);
    const rest = framing.take(3)!;
    assert.deepEqual([...rest], [2, 3, 4]);
    assert.ok(rest.buffer.byteLength > 3, 'a view of the memory they were gathered in');
  });

  it('are not copied when a slice lies within one chunk', () => {
    const framing = new Framing();
    const chunk = counted(4096);
    framing.push(chunk);
    framing.take(100);
    assert.equal(framing.take(3996)!.buffer, chunk.buffer);
  });

  it('are not copied either when the chunks of a slice lie behind each other in memory', () => {
    const framing = new Framing();
    const memory = counted(4096);
    framing.push(memory.subarray(0, 100));
    framing.push(memory.subarray(100, 103));
    framing.take(50);
    framing.push(memory.subarray(103));
    const slice = framing.take(4000)!;
    assert.equal(slice.buffer, memory.buffer);
    assert.deepEqual(slice, memory.subarray(50, 4050));
  });

  it('are not taken for one when there is a gap between them in memory', () => {
    const framing = new Framing();
    const memory = counted(4096);
    framing.push(memory.subarray(0, 100));
    framing.push(memory.subarray(101, 4000));
    assert.deepEqual([...framing.take(3000)!.subarray(98, 102)], [98, 99, 101, 102]);
  });

  it('keep what was taken when more comes in', () => {
    const framing = new Framing();
    framing.push(Uint8Array.of(1, 2));
    framing.push(Uint8Array.of(3, 4));
    const first = framing.take(3)!;
    for (let more = 0; more < 20_000; more += 1) framing.push(Uint8Array.of(9));
    framing.take(20_000);
    for (let more = 0; more < 20_000; more += 1) framing.push(Uint8Array.of(8));
    assert.deepEqual([...first], [1, 2, 3]);
  });

  it('are discarded as far as they are there', () => {
    const framing = new Framing();
    framing.push(counted(3000));
    framing.push(counted(3000));
    assert.equal(framing.discard(4000), 4000);
    assert.deepEqual([...framing.take(2)!], [...counted(3000).subarray(1000, 1002)]);
    assert.equal(framing.discard(5000), 1998);
    assert.equal(framing.available, 0);
  });

  it('take steps in proportion to the chunks and not to their square', () => {
    const framing = new Framing();
    const chunk = counted(2048);
    for (let chunks = 0; chunks < 50_000; chunks += 1) framing.push(chunk);
    let slices = 0;
    while (framing.take(2048) !== undefined) slices += 1;
    assert.equal(slices, 50_000);
  });
});
