import { CommandTask } from './command-task.ts';
import { LOGOUT_REASON, NO_TAG, TASK_ATTRIBUTE, TASK_FUNCTION } from './constants.ts';
import { pushDataOut } from './data-out.ts';
import { type Lun, putU32 } from './header-fields.ts';
import { encodeInitiatorHeader, type InitiatorPdu } from './initiator-pdu.ts';
import type { Numbering } from './numbering.ts';
import { sealed } from './pdu.ts';
import type { SessionParameters } from './session-parameters.ts';
import type { Tasks } from './task.ts';
import type { TargetPdu } from './target-pdu.ts';
import { encodeText, type Pair, TextInput } from './text.ts';

/** A SCSI command: what it reads or what it writes, never both. */
export interface Command {
  lun: Lun;
  /** Up to 16 bytes. */
  cdb: Uint8Array;
  /** Not to be changed before the command is answered or given up with `abandon`, unless `keep` is given. */
  dataOut?: Uint8Array;
  /** Copies `dataOut` where some of it has to wait until the target asks for it. */
  keep?: (dataOut: Uint8Array) => Uint8Array;
  /** The most it may read. */
  dataInBytes?: number;
  /** As many bytes to read it into; in use until the command is answered or given up with `abandon`. */
  into?: Uint8Array;
  /** Past the command window (section 4.2.2.1); few targets take more than one at a time. */
  immediate?: boolean;
}

const functions = {
  'abort-task': { code: TASK_FUNCTION.ABORT_TASK, reach: 'task' },
  'abort-task-set': { code: TASK_FUNCTION.ABORT_TASK_SET, reach: 'unit' },
  'clear-task-set': { code: TASK_FUNCTION.CLEAR_TASK_SET, reach: 'unit' },
  'logical-unit-reset': { code: TASK_FUNCTION.LOGICAL_UNIT_RESET, reach: 'unit' },
  'target-warm-reset': { code: TASK_FUNCTION.TARGET_WARM_RESET, reach: 'target' },
} as const;

export type TaskManagement = keyof typeof functions;

/** Bytes to send, in pieces that are not to be changed before they were sent, and the tag its answer will have. */
export interface Issued {
  tag: number;
  pieces: readonly Uint8Array[];
  /** The copy that `keep` made, which is of no use any more when the command is answered. */
  kept?: Uint8Array;
}

const nothing = new Uint8Array(0);

/** What an initiator asks in the full-feature phase of its session (RFC 7143, section 4.2.2 for the numbers). */
export class Requests {
  readonly #session: SessionParameters;
  readonly #numbering: Numbering;
  readonly #tasks: Tasks;

  constructor(session: SessionParameters, numbering: Numbering, tasks: Tasks) {
    this.#session = session;
    this.#numbering = numbering;
    this.#tasks = tasks;
  }

  /** undefined while the command window is closed. */
  command(command: Command): Issued | undefined {
    const { lun, cdb, dataOut = nothing, dataInBytes = 0, immediate = false } = command;
    if (dataOut.length > 0 && dataInBytes > 0)
      throw new Error('invariant: a SCSI command that reads and writes');
    if (command.into !== undefined && command.into.length !== dataInBytes)
      throw new Error(`invariant: ${command.into.length} bytes to read ${dataInBytes} into`);
    if (!immediate && !this.#numbering.isOpen) return undefined;
    const { digests, initialR2T, immediateData, firstBurstBytes, maxSendSegmentBytes } = this.#session;
    const first = Math.min(dataOut.length, firstBurstBytes);
    const inCommand = immediateData ? Math.min(first, maxSendSegmentBytes) : 0;
    const unasked = initialR2T ? inCommand : first;
    const data = inCommand === dataOut.length ? dataOut : dataOut.subarray(0, inCommand);
    const { cmdSN, expStatSN } = this.#numbering;
    const header = encodeInitiatorHeader({
      kind: 'command',
      immediate,
      final: unasked === inCommand,
      read: dataInBytes > 0,
      write: dataOut.length > 0,
      attribute: TASK_ATTRIBUTE.SIMPLE,
      lun,
      // The tag is given out when nothing can be wrong with the command any more.
      tag: NO_TAG,
      expectedBytes: dataOut.length + dataInBytes,
      cmdSN,
      expStatSN,
      cdb,
      data,
    });
    const kept = unasked < dataOut.length ? command.keep?.(dataOut) : undefined;
    const tag = this.#tasks.begin(
      new CommandTask(lun, cmdSN, kept ?? dataOut, unasked, dataInBytes, command.into),
    );
    putU32(header, 16, tag);
    if (!immediate) this.#numbering.next();
    const pieces = sealed(header, data, digests);
    if (unasked > inCommand)
      this.#pushData(
        pieces,
        { lun, tag, targetTag: NO_TAG },
        inCommand,
        dataOut.subarray(inCommand, unasked),
      );
    return kept === undefined ? { tag, pieces } : { tag, pieces, kept };
  }

  /** What an R2T asks for. */
  burst(task: CommandTask, { lun, tag, targetTag, offsetBytes, lengthBytes }: TargetPdu & { kind: 'r2t' }) {
    const pieces: Uint8Array[] = [];
    const data = task.dataOut.subarray(offsetBytes, offsetBytes + lengthBytes);
    this.#pushData(pieces, { lun, tag, targetTag }, offsetBytes, data);
    return pieces;
  }

  manageTask(what: TaskManagement, about: { lun: Lun; tag?: number }): Issued {
    const { code, reach } = functions[what];
    const referencedTag = reach === 'task' ? about.tag : NO_TAG;
    if (referencedTag === undefined) throw new Error('invariant: an ABORT TASK about no task');
    const task = this.#tasks.get(referencedTag);
    // The reference is to be there even when the task is not (section 11.5.4).
    const refCmdSN = task instanceof CommandTask ? task.cmdSN : 0;
    const tag = this.#tasks.begin({
      kind: 'management',
      abandoned: false,
      reach,
      lun: about.lun,
      tag: referencedTag,
    });
    const { lun } = about;
    return {
      tag,
      pieces: this.#immediate({ kind: 'task-management', tag, function: code, lun, referencedTag, refCmdSN }),
    };
  }

  ping(): Issued {
    const tag = this.#tasks.begin({ kind: 'ping', abandoned: false });
    return {
      tag,
      pieces: this.#immediate({ kind: 'nop-out', tag, lun: 0, targetTag: NO_TAG, data: nothing }),
    };
  }

  /** The answer to a ping of the target's. */
  pong({ lun, targetTag }: TargetPdu & { kind: 'nop-in' }): readonly Uint8Array[] {
    return this.#immediate({ kind: 'nop-out', tag: NO_TAG, lun, targetTag, data: nothing });
  }

  text(pairs: readonly Pair[], negotiation: boolean): Issued {
    const tag = this.#tasks.begin({
      kind: 'text',
      abandoned: false,
      negotiation,
      input: new TextInput(),
      rounds: 0,
    });
    return { tag, pieces: this.moreText(tag, NO_TAG, pairs) };
  }

  /** The next request of an exchange that the target wants to go on. */
  moreText(tag: number, targetTag: number, pairs: readonly Pair[]): readonly Uint8Array[] {
    const data = encodeText(pairs);
    return this.#immediate({ kind: 'text', tag, final: true, continued: false, lun: 0, targetTag, data });
  }

  logout(): readonly Uint8Array[] {
    const tag = this.#tasks.begin({ kind: 'logout', abandoned: false });
    return this.#immediate({ kind: 'logout', tag, reason: LOGOUT_REASON.CLOSE_SESSION, connection: 0 });
  }

  #immediate(pdu: WithoutNumbers): readonly Uint8Array[] {
    const { cmdSN, expStatSN } = this.#numbering;
    const header = encodeInitiatorHeader({ ...pdu, immediate: true, cmdSN, expStatSN });
    return sealed(header, 'data' in pdu ? pdu.data : nothing, this.#session.digests);
  }

  #pushData(
    pieces: Uint8Array[],
    to: { lun: Lun; tag: number; targetTag: number },
    offsetBytes: number,
    data: Uint8Array,
  ): void {
    const { expStatSN } = this.#numbering;
    pushDataOut(pieces, { ...to, expStatSN, offsetBytes, data }, this.#session);
  }
}

type Unnumbered<Pdu> = Pdu extends unknown ? Omit<Pdu, 'immediate' | 'cmdSN' | 'expStatSN'> : never;
type WithoutNumbers = Unnumbered<InitiatorPdu & { kind: 'task-management' | 'nop-out' | 'text' | 'logout' }>;
