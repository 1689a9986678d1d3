import type { Lun } from './header-fields.ts';
import type { InitiatorOptions } from './options.ts';
import type { InitiatorOutcome } from './outcome.ts';

/** A SCSI command: what it reads or what it writes, never both. */
interface Command {
  lun: Lun;
  /** Up to 16 bytes. */
  cdb: Uint8Array;
  /** Not copied: it is not to be changed before the command is answered or given up with `abandon`. */
  dataOut?: Uint8Array;
  /** The most it may read. */
  dataInBytes?: number;
  /** Past the command window (section 4.2.2.1); few targets take more than one at a time. */
  immediate?: boolean;
}

type TaskManagement =
  'abort-task' | 'abort-task-set' | 'clear-task-set' | 'logical-unit-reset' | 'target-warm-reset';

/** Bytes to send, in pieces that are not to be changed before they were sent, and the tag its answer will have. */
interface Issued {
  tag: number;
  pieces: readonly Uint8Array[];
}

/**
 * The initiator's side of one iSCSI connection, which is a session of its own (RFC 7143, ErrorRecoveryLevel 0), without the
 * connection. Bytes go in as they come, outcomes come out as they become complete. Deadlines and lost connections are its
 * user's business.
 */
export class Initiator {
  /** Throws RangeError for an ISID that is not of six bytes. */
  constructor({ isid }: InitiatorOptions) {
    if (isid.length !== 6) throw new RangeError(`an ISID of ${isid.length} bytes, it has 6`);
  }

  get status(): 'login' | 'ready' | 'closed' | 'dead' {
    return 'login';
  }

  /** Where the login is, or what came after it, for error texts. */
  get phase(): string {
    return '';
  }

  /** Tags without an answer, those included whose user gave up. */
  get unanswered(): number {
    return 0;
  }

  /** Bytes received and not given out yet. */
  get heldBytes(): number {
    return 0;
  }

  /** The first bytes to send. */
  begin(): readonly Uint8Array[] {
    return [];
  }

  /** Takes bytes from the target, cut anyhow, and returns whatever became complete. The chunk is not to be changed. */
  receive(_chunk: Uint8Array): readonly InitiatorOutcome[] {
    return [];
  }

  /**
   * Only while `ready`. undefined while the command window is closed (`window` tells when it has opened), and never for
   * an immediate command. Throws RangeError for a LUN or a CDB that does not fit.
   */
  issue(_command: Command): Issued | undefined {
    return undefined;
  }

  /** `tag`: of the command that `abort-task` is about. It is sent at once, past the command window. */
  manageTask(_what: TaskManagement, _about: { lun: Lun; tag?: number }): Issued {
    return { tag: 0, pieces: [] };
  }

  /** A NOP-Out that the target has to answer. */
  ping(): Issued {
    return { tag: 0, pieces: [] };
  }

  /** A Text Request, as [['SendTargets', 'All']] in a discovery session. */
  ask(_pairs: readonly (readonly [key: string, value: string])[]): Issued {
    return { tag: 0, pieces: [] };
  }

  /** Closes the session; `logged-out` is its answer. */
  logout(): readonly Uint8Array[] {
    return [];
  }

  /**
   * Nobody waits for this answer any more. It is swallowed when it comes, and no data is sent for the command any more even
   * if the target asks for it, so that its bytes may be changed.
   */
  abandon(_tag: number): void {}
}
