import assert from 'node:assert/strict';
import type { Clock } from '../ports/clock.ts';
import { EchoWatch } from './echo-watch.ts';

/** A clock that goes where it is put; a timer that was due by then fires then, late where that is later. */
class HandClock implements Clock {
  #nowMs = 1000;
  #timers: { atMs: number; act: () => void }[] = [];

  nowMs = () => this.#nowMs;
  nowNs = () => this.#nowMs * 1e6;
  at(atMs: number, act: () => void): () => void {
    const timer = { atMs, act };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((each) => each !== timer));
  }

  /** Time goes on and every timer fires when it is due. */
  run(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let due = this.#next(); due !== undefined && due.atMs <= endMs; due = this.#next()) {
      this.jump(due.atMs - this.#nowMs);
    }
    this.#nowMs = endMs;
  }

  /** The process stands still for so long, and wakes up to all that was due meanwhile. */
  jump(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { act } of due) act();
  }

  get timers(): number {
    return this.#timers.length;
  }

  #next() {
    return this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
  }
}

describe('the watch over the guard', () => {
  function watched() {
    const clock = new HandClock();
    const seen = { silent: 0 };
    const watch = new EchoWatch(clock, 400, () => (seen.silent += 1));
    return { clock, watch, seen };
  }

  it('gives up a guard whose echo is missing for the patience, once', () => {
    const { clock, watch, seen } = watched();
    watch.sent();
    clock.run(399);
    assert.equal(seen.silent, 0);
    watch.sent();
    clock.run(1);
    assert.equal(seen.silent, 1);
    clock.run(10_000);
    assert.equal(seen.silent, 1);
  });

  it('expects nothing where nothing was said', () => {
    const { clock, watch, seen } = watched();
    watch.sent();
    clock.run(300);
    watch.heard();
    assert.equal(clock.timers, 0);
    clock.run(10_000);
    assert.equal(seen.silent, 0);
  });

  it('counts anew from every echo', () => {
    const { clock, watch, seen } = watched();
    for (let i = 0; i < 10; i++) {
      watch.sent();
      watch.sent();
      clock.run(300);
      watch.heard();
      clock.run(300);
      watch.heard();
    }
    assert.equal(seen.silent, 0);
  });

  it('gives a guard that was stopped together with this process its whole patience', () => {
    const { clock, watch, seen } = watched();
    watch.sent();
    clock.run(350);
    clock.jump(60_000);
    assert.equal(seen.silent, 0);
    clock.run(399);
    assert.equal(seen.silent, 0);
    clock.run(1);
    assert.equal(seen.silent, 1);
  });

  it('is over when it is closed', () => {
    const { clock, watch, seen } = watched();
    watch.sent();
    watch.close();
    clock.run(10_000);
    assert.deepEqual([seen.silent, clock.timers], [0, 0]);
  });
});
