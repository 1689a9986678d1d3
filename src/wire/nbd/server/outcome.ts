/** Whatever became complete in the bytes of a client. */
export type ServerOutcome =
  /** An answer that needs nobody's decision: to be sent as it is, before anything later. */
  | { kind: 'send'; bytes: Uint8Array }
  /** Negotiation stands still until `admit` or `refuse` is called. Only `info` does not lead to transmission. */
  | { kind: 'export-wanted'; name: string; intent: 'go' | 'info' | 'export-name' }
  /** Send `bytes`, then start TLS on the connection; nothing is read on before `secured` is called. */
  | { kind: 'start-tls'; bytes: Uint8Array }
  | { kind: 'request'; request: ServerRequest }
  /** The client takes its leave: answer what is open, send `bytes`, then end the connection. */
  | { kind: 'leave'; how: 'NBD_OPT_ABORT' | 'NBD_CMD_DISC'; bytes: Uint8Array }
  /** What came cannot be understood any more: end the connection. */
  | { kind: 'broken'; why: string };

/** A request that is within the export and its rights: it can be carried out. */
export interface ServerRequest {
  op: 'read' | 'write' | 'flush';
  offset: number;
  length: number;
  /** Forced unit access: answered only when durable. */
  fua: boolean;
  /** Of a write: `length` bytes, the request's own from now on. Else empty. */
  payload: Uint8Array;
  cookie: Cookie;
}

/** The client's own 64 bits, given back with the answer. */
export interface Cookie {
  high: number;
  low: number;
}
