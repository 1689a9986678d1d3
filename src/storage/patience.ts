/** How long a connection waits for its client, in milliseconds. What the gate takes its time for does not count. */
export interface Patience {
  /** For an export that the client may have, TLS included. */
  negotiateMs: number;
  /** With nothing moving: for the rest of a request, or for answers to be taken. */
  moveMs: number;
}

export const usualPatience: Patience = { negotiateMs: 10_000, moveMs: 30_000 };
