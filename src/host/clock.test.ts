import assert from 'node:assert/strict';
import { monotonicClock as clock } from './clock.ts';

describe('the clock', () => {
  it('counts whole nanoseconds, and the same instant in milliseconds', () => {
    const before = clock.nowNs();
    const betweenMs = clock.nowMs();
    const after = clock.nowNs();
    assert.ok(Number.isInteger(before));
    assert.ok(before <= betweenMs * 1e6 + 1 && betweenMs * 1e6 <= after + 1);
  });

  it('never acts before the instant it was given', async () => {
    for (const inMs of [0, 0.3, 1.7, 2.2]) {
      const atMs = clock.nowMs() + inMs;
      await new Promise<void>((resolve) => clock.at(atMs, resolve));
      assert.ok(clock.nowMs() >= atMs);
    }
  });

  it('acts at once when the instant is past, but not before the caller is done', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.at(clock.nowMs() - 1000, () => {
        order.push('act');
        resolve();
      });
      order.push('caller');
    });
    assert.deepEqual(order, ['caller', 'act']);
  });

  it('does not act when called off, nor at once when the instant is a year away', async () => {
    let acted = 0;
    const inAYear = clock.at(clock.nowMs() + 365 * 86_400_000, () => (acted += 1));
    clock.at(clock.nowMs(), () => (acted += 1))();
    await new Promise<void>((resolve) => clock.at(clock.nowMs() + 5, resolve));
    inAYear();
    assert.equal(acted, 0);
  });
});
