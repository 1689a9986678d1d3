import type { ExportInfo } from './export-info.ts';

/** What came of the bytes a client received, in order. Nothing follows `no-tls`, `refused` or `broken`. */
export type Outcome =
  /** Negotiation: these bytes are to be sent now. */
  | { kind: 'send'; bytes: Uint8Array }
  /** Negotiation: TLS is to be started on the connection now, before anything else is read; then `secured`. */
  | { kind: 'start-tls' }
  /** Negotiation is over; requests may be issued. `structuredReplies`: reads are answered in chunks. */
  | { kind: 'ready'; info: ExportInfo; structuredReplies: boolean }
  /** The server has no TLS for this client, so there is no connection. `text` as with `refused`. */
  | { kind: 'no-tls'; type: number; text: string }
  /** The server does not let this client have the export. `text` is the server's own in one line, '' when it gave none. */
  | { kind: 'refused'; type: number; text: string }
  /** The answer to a request. Payload comes with a read that succeeded, and with nothing else. */
  | { kind: 'done'; cookie: number; payload: Uint8Array }
  | Failed
  | Broken;

/** This request failed and no other one did. */
export interface Failed {
  kind: 'failed';
  cookie: number;
  /** The number as it came; the first of several, but ESHUTDOWN whenever it is among them. */
  error: number;
  /** The server's own words in one line, where it gave some. */
  text?: string;
  /** Where in the export it failed, where the server said so. */
  offsetBytes?: number;
}

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
  | 'wrong-magic'
  | 'unexpected-option-reply'
  | 'too-large'
  | 'malformed-info'
  | 'plaintext-after-starttls'
  | 'too-old-for-tls'
  | 'unknown-cookie'
  | 'unexpected-reply'
  | 'malformed-chunk'
  | 'incomplete-reply';

export function broken(reason: BrokenReason, text: string): Broken {
  return { kind: 'broken', reason, text };
}
