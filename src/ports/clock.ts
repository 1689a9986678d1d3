/** The monotonic clock. Containers of one host share it, so instants of different servers compare exactly. */
export interface Clock {
  /** Nanoseconds, an integer: exact for 104 days of uptime, to 2 ns for 208. */
  nowNs(): number;
  /** The same instant in milliseconds, with fractions. */
  nowMs(): number;
  /** Calls `act` once, not before `atMs`; returns the way to call it off. */
  at(atMs: number, act: () => void): () => void;
}
