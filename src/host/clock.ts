import type { Clock } from '../ports/clock.ts';

/** Longest delay a timer of Node takes; past it, it fires at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** CLOCK_MONOTONIC of this machine. Containers of one host and the guard share it, so instants compare exactly. */
export const monotonicClock: Clock = {
  nowNs: () => Number(process.hrtime.bigint()),
  nowMs: () => Number(process.hrtime.bigint()) / 1e6,
  at(atMs, act) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const leftMs = atMs - monotonicClock.nowMs();
      timer = setTimeout(fire, Math.min(Math.max(Math.ceil(leftMs), 0), LONGEST_DELAY_MS));
    };
    // Timers count whole milliseconds of a clock that is read once per turn of the loop: they may fire a little early.
    const fire = () => (monotonicClock.nowMs() < atMs ? arm() : act());
    arm();
    return () => clearTimeout(timer);
  },
};
