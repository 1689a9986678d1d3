/** Monotonic nanoseconds, the clock that every event of a lab carries. */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}
