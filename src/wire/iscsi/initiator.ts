import { aPdu, ISCSI_LIMIT, TARGET_OPCODE } from './constants.ts';
import { PduFraming } from './framing.ts';
import { type Lun, u32 } from './header-fields.ts';
import { Login } from './login.ts';
import { Numbering } from './numbering.ts';
import { checkOptions, type InitiatorOptions } from './options.ts';
import { type Broken, broken, type InitiatorOutcome } from './outcome.ts';
import { RawPdu } from './pdu.ts';
import { type Command, type Issued, Requests, type TaskManagement } from './requests.ts';
import { Responses } from './responses.ts';
import type { SessionParameters } from './session-parameters.ts';
import { decodeTargetPdu } from './target-pdu-decode.ts';
import type { TargetPdu } from './target-pdu.ts';
import { Tasks } from './task.ts';
import type { Pair } from './text.ts';

/** Outcomes after which there are no others, and what the session is then. */
const ends = { refused: 'closed', redirected: 'closed', 'logged-out': 'closed', broken: 'dead' } as const;

/**
 * The initiator's side of one iSCSI connection, which is a session of its own (RFC 7143, ErrorRecoveryLevel 0), without
 * the connection. Bytes go in as they come, outcomes come out as they become complete. Deadlines and lost connections are
 * its user's business.
 */
export class Initiator {
  readonly #input = new PduFraming(ISCSI_LIMIT.loginSegmentBytes, (header, dataBytes) =>
    this.#placeOf(header, dataBytes),
  );
  readonly #numbering: Numbering;
  readonly #login: Login;
  readonly #tasks = new Tasks();
  #requests: Requests | undefined;
  #responses: Responses | undefined;
  #end: 'closed' | 'dead' | undefined;
  #leaving = false;
  /** `issue` had no room for a command. */
  #waiting = false;
  /** The tag of a negotiation that the target asked for. */
  #negotiation: number | undefined;

  /** Throws RangeError for names, secrets or an ISID that cannot be. */
  constructor(options: InitiatorOptions) {
    checkOptions(options);
    this.#numbering = new Numbering(options.firstCmdSN ?? 1);
    this.#login = new Login(options, this.#numbering);
  }

  get status(): 'login' | 'ready' | 'closed' | 'dead' {
    return this.#end ?? (this.#requests === undefined ? 'login' : 'ready');
  }

  /** Where the login is, or what came after it, for error texts. */
  get phase(): string {
    if (this.#requests === undefined) return this.#login.phase;
    return this.#leaving ? 'logout' : 'full-feature phase';
  }

  /** Tags without an answer, those included whose user gave up. */
  get unanswered(): number {
    return this.#tasks.size;
  }

  /**
   * Bytes received and not given out yet: a part of one PDU (`maxReceiveSegmentBytes`, in a login 8 KiB) and of one chunk,
   * text up to 64 KiB for every `ask`, and what was asked for of every read that is open and was not given up.
   */
  get heldBytes(): number {
    return this.#input.heldBytes + this.#login.heldBytes + this.#tasks.heldBytes;
  }

  /** The first bytes to send. */
  begin(): readonly Uint8Array[] {
    return this.#login.begin();
  }

  /** Takes bytes from the target, cut anyhow, and returns whatever became complete. Afterwards the chunk may be changed. */
  receive(chunk: Uint8Array): readonly InitiatorOutcome[] {
    const outcomes: InitiatorOutcome[] = [];
    if (this.#end !== undefined) return outcomes;
    this.#input.push(chunk);
    while (this.#end === undefined) {
      const raw = this.#input.take();
      if (raw === undefined) break;
      const outcome = raw instanceof RawPdu ? this.#take(raw) : broken(`${this.phase}: ${raw.text}`);
      if (outcome !== undefined) this.#push(outcomes, outcome);
      if (this.#waiting && this.#end === undefined && this.#numbering.isOpen) {
        this.#waiting = false;
        outcomes.push({ kind: 'window' });
      }
    }
    this.#input.keep();
    return outcomes;
  }

  /**
   * Only while `ready`. undefined while the command window is closed (`window` tells when it has opened), and never for
   * an immediate command.
   */
  issue(command: Command): Issued | undefined {
    const issued = this.#ready.command(command);
    if (issued === undefined) this.#waiting = true;
    return issued;
  }

  /** `tag`: of the command that `abort-task` is about. It is sent at once, past the command window. */
  manageTask(what: TaskManagement, about: { lun: Lun; tag?: number }): Issued {
    return this.#ready.manageTask(what, about);
  }

  /** A NOP-Out that the target has to answer, past the command window. */
  ping(): Issued {
    return this.#ready.ping();
  }

  /** A Text Request, as [['SendTargets', 'All']] in a discovery session. */
  ask(pairs: readonly Pair[]): Issued {
    return this.#ready.text(pairs, false);
  }

  /** Closes the session; `logged-out` is its answer. Nothing is issued any more. */
  logout(): readonly Uint8Array[] {
    const pieces = this.#ready.logout();
    this.#leaving = true;
    return pieces;
  }

  /**
   * Nobody waits for this answer any more. It is swallowed when it comes, and no data is sent for the command any more even
   * if the target asks for it, so that its bytes may be changed; nor is anything read into memory that was given for it.
   */
  abandon(tag: number): void {
    this.#tasks.abandon(tag);
    this.#input.leaveAlone(tag);
  }

  get #ready(): Requests {
    if (this.#requests === undefined || this.#end !== undefined || this.#leaving)
      throw new Error(
        `invariant: a request on an iSCSI session that is ${this.#leaving ? 'left' : this.status}`,
      );
    return this.#requests;
  }

  /** What is read is copied into the memory for it as it comes. */
  #placeOf(header: Uint8Array, dataBytes: number): Uint8Array | undefined {
    if ((header[0]! & 0x3f) !== TARGET_OPCODE.DATA_IN || this.#responses === undefined) return undefined;
    const task = this.#tasks.get(u32(header, 16));
    return task?.kind === 'command' ? task.placeOf(u32(header, 40), dataBytes) : undefined;
  }

  #push(outcomes: InitiatorOutcome[], outcome: InitiatorOutcome): void {
    outcomes.push(outcome);
    if (outcome.kind === 'ready') this.#begin(outcome.session);
    else if (outcome.kind === 'async') this.#negotiate(outcomes, outcome.event.kind);
    else if (Object.hasOwn(ends, outcome.kind)) this.#end = ends[outcome.kind as keyof typeof ends];
  }

  /** From the next PDU on everything is as negotiated. */
  #begin(session: SessionParameters): void {
    // The user has its own: what holds for sending may change.
    const current = { ...session };
    this.#requests = new Requests(current, this.#numbering, this.#tasks);
    this.#responses = new Responses(current, this.#numbering, this.#tasks, this.#requests);
    this.#input.agree(session.digests, session.maxReceiveSegmentBytes);
  }

  /** A target that asks for a negotiation drops the connection of whoever does not begin one (section 11.9.1). */
  #negotiate(outcomes: InitiatorOutcome[], event: string): void {
    if (event !== 'negotiation-requested' || this.#leaving) return;
    if (this.#negotiation !== undefined && this.#tasks.get(this.#negotiation) !== undefined) return;
    const { tag, pieces } = this.#ready.text([], true);
    this.#negotiation = tag;
    outcomes.push({ kind: 'send', pieces });
  }

  #take(raw: RawPdu): InitiatorOutcome | undefined {
    const pdu = decodeTargetPdu(raw);
    if (pdu === undefined) return this.#broken(raw, 'which no target sends');
    const outcome =
      this.#responses === undefined ? this.#takeLogin(pdu) : this.#takeResponse(this.#responses, pdu);
    return typeof outcome === 'string' ? this.#broken(raw, outcome) : outcome;
  }

  #takeLogin(pdu: TargetPdu): InitiatorOutcome | string {
    return pdu.kind === 'login' ? this.#login.step(pdu) : 'before the end of the login';
  }

  #takeResponse(responses: Responses, pdu: TargetPdu): InitiatorOutcome | string | undefined {
    this.#numbering.takeWindow(pdu.expCmdSN, pdu.maxCmdSN);
    return responses.take(pdu);
  }

  #broken(raw: RawPdu, what: string): Broken {
    return broken(`${this.phase}: ${aPdu(raw.opcode)} ${what}`);
  }
}
