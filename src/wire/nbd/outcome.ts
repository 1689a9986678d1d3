import type { ExportInfo } from './export-info.ts';

/** What came of the bytes a client received, in order. Nothing follows `refused` or `broken`. */
export type Outcome =
  /** Negotiation: these bytes are to be sent now. */
  | { kind: 'send'; bytes: Uint8Array }
  /** Negotiation is over; requests may be issued. */
  | { kind: 'ready'; info: ExportInfo }
  /** The server does not let this client have the export. `text` is the server's own, '' when it gave none. */
  | { kind: 'refused'; type: number; text: string }
  /** The answer to a request. Payload comes with a read that succeeded, and with nothing else. */
  | { kind: 'done'; cookie: bigint; payload: Uint8Array }
  /** This request failed and no other one did. `error` is the number as it came. */
  | { kind: 'failed'; cookie: bigint; error: number }
  | Broken;

/** The stream makes no sense from here on: what is in flight has an unknown outcome, the connection is to be dropped. */
export interface Broken {
  kind: 'broken';
  reason: BrokenReason;
  /** One line for people, without the name of the server. */
  text: string;
}

export type BrokenReason =
  | 'not-nbd'
  | 'oldstyle'
  | 'not-fixed-newstyle'
  | 'wrong-magic'
  | 'unexpected-option-reply'
  | 'too-large'
  | 'malformed-info'
  | 'unknown-cookie'
  | 'structured-reply';

export function broken(reason: BrokenReason, text: string): Broken {
  return { kind: 'broken', reason, text };
}
