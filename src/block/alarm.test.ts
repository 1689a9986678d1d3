import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Alarm } from './alarm.ts';

describe('an alarm for many deadlines', () => {
  let nowMs = 0;

  /** Deadlines as a connection keeps them: met or not, and nothing but the alarm looks at the time. */
  function alarmed(): { alarm: Alarm; deadlines: Set<number>; rung: number[]; rings: number[] } {
    const deadlines = new Set<number>();
    const rung: number[] = [];
    const rings: number[] = [];
    const alarm = new Alarm((at) => {
      rings.push(at);
      for (const untilMs of deadlines) {
        if (untilMs > at) continue;
        rung.push(untilMs);
        deadlines.delete(untilMs);
      }
      return Math.min(...deadlines);
    });
    return { alarm, deadlines, rung, rings };
  }

  beforeEach(() => {
    nowMs = 1000;
    mock.timers.enable({ apis: ['setTimeout'] });
    mock.method(performance, 'now', () => nowMs);
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1) {
      nowMs += 1;
      mock.timers.tick(1);
    }
  };
  const until = ({ alarm, deadlines }: ReturnType<typeof alarmed>, untilMs: number): void => {
    deadlines.add(untilMs);
    alarm.ringBy(untilMs);
  };

  it('rings at each, whatever order they were given in', () => {
    const it = alarmed();
    until(it, 1500);
    until(it, 1200);
    until(it, 1900);
    pass(199);
    assert.deepEqual(it.rung, []);
    pass(1);
    assert.deepEqual(it.rung, [1200]);
    pass(300);
    assert.deepEqual(it.rung, [1200, 1500]);
    pass(400);
    assert.deepEqual(it.rung, [1200, 1500, 1900]);
  });

  it('rings at one that was given while the first, which was met, was still set', () => {
    const it = alarmed();
    until(it, 1100);
    it.deadlines.delete(1100);
    pass(50);
    until(it, 1150);
    pass(100);
    assert.deepEqual(it.rung, [1150]);
  });

  it('rings again after there was nothing left to ring for', () => {
    const it = alarmed();
    until(it, 1100);
    pass(500);
    until(it, 1600);
    pass(100);
    assert.deepEqual(it.rung, [1100, 1600]);
  });

  it('rings at a deadline that came before it was told', () => {
    const it = alarmed();
    until(it, 990);
    pass(1);
    assert.deepEqual(it.rung, [990]);
  });

  it('does not wake anybody soon for nothing, and rings for what comes later', () => {
    const it = alarmed();
    until(it, 1100);
    until(it, 1900);
    it.deadlines.clear();
    it.alarm.rest();
    pass(150);
    assert.equal(it.rings.length, 0);
    until(it, 1500);
    pass(350);
    assert.deepEqual(it.rung, [1500]);
  });

  it('that is far off may rest and rings all the same', () => {
    const it = alarmed();
    until(it, 9000);
    it.alarm.rest();
    until(it, 9500);
    it.deadlines.delete(9000);
    pass(8000);
    assert.deepEqual(it.rings, [9000]);
    pass(500);
    assert.deepEqual(it.rung, [9500]);
  });

  it('is silent once stopped', () => {
    const it = alarmed();
    until(it, 1100);
    it.alarm.stop();
    pass(500);
    assert.deepEqual(it.rung, []);
  });
});
