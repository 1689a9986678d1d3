/**
 * The storage node's own record: JSON lines on standard output, one event a line, version 1, written synchronously.
 * `n` numbers the lines of one start of the storage node, from 1 on without a gap: one that is missing shows. `t` and every field ending in `At` are monotonic nanoseconds. It is what the checkers believe about the disk.
 */
export type AuditEntry =
  | {
      event: 'gate-started';
      pid: number;
      fencing: boolean;
      granted: Grant | null;
      /** The last grant was lost: no epoch up to this one will be granted. */
      floor?: number;
      listen: string;
    }
  | { event: 'gate-stopped'; reason: string }
  /** The record showed a higher epoch; this grant is durable from here on and every older one is refused. */
  | { event: 'grant'; node: string; epoch: number; incarnation: string; previousEpoch: number }
  /** Nothing of an older owner can still be written; the new owner is let in from here on. */
  | { event: 'drained'; epoch: number; connectionsEnded: number; writesAwaited: number; drainMs: number }
  /** The flush between the two failed; the new owner is let in all the same: see the gate for why that is safe. */
  | { event: 'not-settled'; epoch: number; reason: string }
  | {
      event: 'admitted';
      connection: number;
      peer: string;
      export: string;
      node: string;
      epoch: number;
      incarnation: string;
      identity?: TlsName;
    }
  /** A name was turned away. `node` and `epoch` where the name could be parsed. `lastGranted` is 0 before the first grant. */
  | {
      event: 'refused';
      connection: number;
      peer: string;
      export: string;
      node: string | null;
      epoch: number | null;
      lastGranted: number;
      reason: string;
      identity?: TlsName;
    }
  /** One write to the data area. It began to be carried out at `beganAt` and was finished at `t`. */
  | {
      event: 'write';
      connection: number;
      peer: string;
      export: string;
      node: string;
      epoch: number;
      incarnation: string;
      offset: number;
      length: number;
      beganAt: number;
      /**
       * `ok`, the error's name, or `unknown`: the server process that had it was reaped before it answered, so the bytes
       * may be there, in part too, and will not change any more because of it.
       */
      outcome: string;
      fua: boolean;
    }
  /** A request on a data connection that lost its grant while the request waited: it was not carried out. */
  | {
      event: 'write-refused';
      connection: number;
      peer: string;
      export: string;
      node: string;
      epoch: number;
      offset: number;
      length: number;
      lastGranted: number;
    }
  /** One write to the quorum area; `record` when it covered the ownership record and could be read. */
  | {
      event: 'quorum-write';
      connection: number;
      peer: string;
      offset: number;
      length: number;
      beganAt: number;
      outcome: string;
      record: { status: number; node: string; epoch: number; count: number } | null;
    }
  | { event: 'connected'; connection: number; peer: string; export: string; identity?: TlsName }
  | { event: 'disconnected'; connection: number; peer: string; export: string | null; reason: string }
  /**
   * A server process for an area's bytes, or for both, runs and holds the lock on the area's file. `epoch`: of its grant,
   * if any.
   */
  | { event: 'server-started'; pid: number; area: ServedArea; epoch: number | null }
  /** It was reaped: nothing that it was told can still be written. `byItself`: nobody had ended it. */
  | {
      event: 'server-ended';
      pid: number;
      area: ServedArea;
      epoch: number | null;
      code: number | null;
      signal: string | null;
      byItself: boolean;
      why: string;
    }
  /**
   * iSCSI alone: one PERSISTENT RESERVE OUT for the data area, told when it was answered; or a LOGICAL UNIT RESET of it that
   * was done ("reset"). The keys are 16 hex digits after `0x`. `outcome`: `ok`, the status's name, the sense data in words, or `unknown` when no answer came.
   */
  | {
      event: 'reservation';
      connection: number;
      peer: string;
      export: string;
      action: string;
      /** What the command says its own key is, and what it does it to: the new key of a register, the victim's of a preempt. */
      key: string;
      serviceActionKey: string;
      outcome: string;
    }
  /** A rule that holds, delays, fails or drops one chosen request (fault injection). */
  | {
      event: 'rule';
      id: string;
      state: 'armed' | 'holding' | 'released' | 'failed' | 'dropped' | 'removed';
      detail: string;
    };

type ServedArea = 'quorum' | 'data' | 'both';

/** Who a client is by TLS, null when it showed no certificate; the field is missing for a client in plain. */
type TlsName = string | null;

export interface Grant {
  node: string;
  epoch: number;
  /** Short form: the first 8 hex digits. */
  incarnation: string;
}

export type AuditLine = { v: 1; n: number; t: number } & AuditEntry;
