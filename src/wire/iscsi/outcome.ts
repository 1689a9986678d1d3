import type { AsyncEvent } from './async-event.ts';
import type { Lun } from './header-fields.ts';
import type { SessionParameters } from './session-parameters.ts';
import type { Residual } from './target-pdu.ts';

/** What came of the bytes an initiator received, in order. Nothing follows `refused`, `redirected`, `logged-out` or `broken`. */
export type InitiatorOutcome =
  /** These are to be sent now. */
  | { kind: 'send'; pieces: readonly Uint8Array[] }
  /** The login is over: commands may be issued. */
  | { kind: 'ready'; session: SessionParameters }
  /**
   * The target does not let this initiator in; or, with status 0, this initiator has no use for the target, which did not
   * prove itself or lacks a digest. `text`: phase, what it means and what helps, in one line.
   */
  | { kind: 'refused'; phase: string; statusClass: number; statusDetail: number; text: string }
  /** The target is to be found elsewhere: `address` is host[:port][,group]. */
  | { kind: 'redirected'; address: string; permanent: boolean; text: string }
  /** A command is over. `data` is what was read, maybe a view of what came in; `sense` is empty unless there is any. */
  | {
      kind: 'answered';
      tag: number;
      status: number;
      sense: Uint8Array;
      data: Uint8Array;
      residual: Residual;
    }
  /** The target could not carry a command out or did not take it, and there is no SCSI status: it may have had effects. */
  | { kind: 'failed'; tag: number; text: string }
  /** The answer to `manageTask` (section 11.6.1); no answer is to come any more to the commands whose tags are in `ended`. */
  | { kind: 'managed'; tag: number; response: number; ended: readonly number[] }
  | { kind: 'pong'; tag: number }
  /** The answer to `ask`: key=value by key=value. */
  | { kind: 'text'; tag: number; pairs: readonly (readonly [key: string, value: string])[] }
  /** A command that `issue` had no room for can be issued now. */
  | { kind: 'window' }
  | { kind: 'async'; event: AsyncEvent; lun: Lun }
  | { kind: 'logged-out' }
  | Broken;

/** The stream makes no sense from here on: what is in flight has an unknown outcome, the connection is to be dropped. */
export interface Broken {
  kind: 'broken';
  /** One line for people, without the name of the target: the phase and what was wrong. */
  text: string;
}

export function broken(text: string): Broken {
  return { kind: 'broken', text };
}
