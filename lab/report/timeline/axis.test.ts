import assert from 'node:assert/strict';
import { duration, instant, ticks } from './axis.ts';

describe('the axis', () => {
  it('has round instants, labelled as finely as they lie apart', () => {
    const labels = (from: number, to: number) => ticks({ from, to }, 4).map(({ label }) => label);
    assert.deepEqual(labels(0, 7e9), ['+0 s', '+2 s', '+4 s', '+6 s']);
    assert.deepEqual(labels(1e9, 1.001e9), ['+1.0000 s', '+1.0005 s', '+1.0010 s']);
    assert.deepEqual(labels(-0.3e9, 0.1e9), ['-0.3 s', '-0.2 s', '-0.1 s', '+0.0 s', '+0.1 s']);
  });

  it('never has more of them than asked for, and one to spare', () => {
    for (let width = 20_000; width < 1e15; width *= 1.7)
      for (const most of [1, 5, 13])
        assert.ok(ticks({ from: 12_345, to: 12_345 + width }, most).length <= most + 1);
  });

  it('says instants as evidence says them, and durations with three digits', () => {
    assert.deepEqual(
      [instant(3_112_400_000), instant(-1e9), instant(5, 9)],
      ['+3.112 s', '-1.000 s', '+0.000000005 s'],
    );
    assert.deepEqual([812e3, 4.2e6, 12.34e6, 1203.4e6, 12e9].map(duration), [
      '812 us',
      '4.20 ms',
      '12.3 ms',
      '1203 ms',
      '12.0 s',
    ]);
  });
});
