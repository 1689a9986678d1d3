import { NO_TAG } from '../../wire/iscsi/constants.ts';
import { decodeInitiatorPdu, type InitiatorPdu } from '../../wire/iscsi/initiator-pdu.ts';
import { type RawPdu, sealed } from '../../wire/iscsi/pdu.ts';
import { decodeTargetPdu } from '../../wire/iscsi/target-pdu-decode.ts';
import type { TargetPdu } from '../../wire/iscsi/target-pdu.ts';
import type { Interception } from '../rules.ts';
import { faultOf, faultOfData } from './acceptable.ts';
import { type Caller, callerOf } from './caller.ts';
import { failedWith } from './failures.ts';
import { answerOf, harmless, harmlessReset, rejectedReset } from './harmless.ts';
import { LoginWatch } from './login-watch.ts';
import { addressText, namingTheTap } from './portal-text.ts';
import { collect, commandTask, otherTask, resetTask } from './new-task.ts';
import type { Passage, TapConnection } from './tap-connection.ts';
import type { SessionHost } from './session-host.ts';
import { withPlainLun } from './plain-lun.ts';
import { DATA_LUN, QUORUM_LUN } from './target.ts';
import { outcomeOf, senseIn, type Task } from './task.ts';

type Answer = TargetPdu & { kind: 'response' | 'data-in' };

/** Tags that one connection may have under way: more than any initiator's window, which tgtd opens for 128. */
const MOST_TASKS = 1024;
const LUNS = { quorum: QUORUM_LUN, data: DATA_LUN, other: undefined };
/** Task management function of RFC 7143, 11.5.1, and the answer that it was done. */
const LOGICAL_UNIT_RESET = 5;
const FUNCTION_COMPLETE = 0;

/**
 * What passes through one connection: who logged in, which commands are under way and what became of them. It lets rules
 * and the data unit decide about a command before it goes on, and has everything on record before the client is answered.
 */
export class Session implements Passage {
  readonly #connection: TapConnection;
  readonly #host: SessionHost;
  readonly #login = new LoginWatch();
  readonly #tasks = new Map<number, Task>();
  #caller: Caller | null = null;
  #costBytes = 0;
  #isLeftAlone = false;

  constructor(connection: TapConnection, host: SessionHost) {
    this.#connection = connection;
    this.#host = host;
  }

  get id(): number {
    return this.#connection.id;
  }

  get peer(): string {
    return this.#connection.peer;
  }

  /** Null until it has logged in, and for a session that only asks for names. */
  get caller(): Caller | null {
    return this.#caller;
  }

  get costBytes(): number {
    return this.#costBytes;
  }

  get tasksUnderWay(): number {
    return this.#tasks.size;
  }

  get awaitsTarget(): boolean {
    return [...this.#tasks.values()].some(({ missingBytes }) => missingBytes === 0);
  }

  get isLoggingIn(): boolean {
    return this.#login.seen.state !== 'complete';
  }

  beforeAnswers(): void {
    this.#host.flush();
  }

  ended(reason: string): void {
    const lost = [...this.#tasks.values()];
    this.#tasks.clear();
    this.#isLeftAlone = true;
    this.#host.ended(this, lost, reason);
  }

  fromClient(pdu: RawPdu): void | Promise<void> {
    const said = decodeInitiatorPdu(pdu);
    if (said === undefined) return this.#broken(`an opcode of ${pdu.opcode}, which no initiator has`);
    if (this.isLoggingIn !== (said.kind === 'login')) {
      return this.#broken(this.isLoggingIn ? 'something else than a login' : 'a login after its login');
    }
    const fault = this.isLoggingIn ? undefined : faultOf(pdu, said, this.#caller === null);
    if (fault !== undefined) return this.#broken(fault);
    switch (said.kind) {
      case 'login': {
        const wrong = this.#login.request(pdu);
        return wrong === undefined ? this.#pass(pdu) : this.#broken(wrong);
      }
      case 'command':
        return this.#begin(pdu, commandTask(said, this.#host.quorumWatchedBytes));
      case 'data-out':
        return this.#dataOut(pdu, said);
      case 'task-management': {
        const isReset = said.function === LOGICAL_UNIT_RESET;
        return this.#begin(pdu, isReset ? resetTask(said) : otherTask(said.tag, 0));
      }
      case 'nop-out':
        if (said.tag === NO_TAG) return this.#pass(pdu);
        return this.#begin(pdu, otherTask(said.tag, said.data.length));
      case 'text':
      case 'logout':
        return this.#begin(pdu, otherTask(said.tag, 'data' in said ? said.data.length : 0));
      default:
        return this.#pass(pdu);
    }
  }

  /** Something with a tag of its own: past the rules and the gate, if it has to, and then to the target. */
  #begin(pdu: RawPdu, task: Task): void | Promise<void> {
    if (this.#tasks.has(task.tag)) return this.#broken(`task tag ${task.tag} a second time`);
    if (this.#tasks.size >= MOST_TASKS)
      return this.#broken(`${MOST_TASKS} commands without awaiting answers`);
    const interception = this.#host.intercept(this, task);
    if (interception === null && !this.#host.mustAsk(task)) return this.#go(pdu, task);
    return this.#beginLater(pdu, task, interception);
  }

  async #beginLater(pdu: RawPdu, task: Task, interception: Interception | null): Promise<void> {
    if (interception?.kind === 'drop') return this.#connection.stall();
    if (interception?.kind === 'fail') {
      task.verdict = failedWith(interception.error, task.command?.medium === 'reads');
      task.settled.push(interception.settled);
    }
    if (interception?.kind === 'wait') {
      task.settled.push(interception.settled);
      if ((await interception.until) === 'drop') {
        interception.settled('not carried out');
        return this.#connection.stall();
      }
    }
    if (task.verdict === null && this.#host.mustAsk(task)) {
      task.verdict = (await this.#host.ask(this, task)) ?? null;
    }
    if (!this.#isLeftAlone) return this.#go(pdu, task);
    this.#host.abandoned(task);
    for (const settled of task.settled) settled('not carried out');
  }

  #go(pdu: RawPdu, task: Task): void {
    this.#tasks.set(task.tag, task);
    this.#costBytes += task.costBytes;
    this.#host.began(task);
    const { digests } = this.#connection;
    if (task.verdict === null) {
      const lun = LUNS[task.unit];
      return this.#connection.toTarget(lun === undefined ? pdu.pieces : withPlainLun(pdu, lun, digests));
    }
    this.#connection.toTarget(task.isReset ? harmlessReset(pdu, digests) : harmless(pdu, digests));
  }

  #dataOut(pdu: RawPdu, said: InitiatorPdu & { kind: 'data-out' }): void {
    const task = this.#tasks.get(said.tag);
    const fault = faultOfData(said, task);
    if (fault !== undefined) return this.#broken(fault);
    task!.missingBytes -= said.data.length;
    if (task!.payload !== null) collect(task!.payload, said.data, said.offsetBytes);
    this.#pass(pdu);
  }

  fromTarget(pdu: RawPdu): void | Promise<void> {
    const said = decodeTargetPdu(pdu);
    if (said === undefined)
      return this.#connection.end(`protocol error: tgtd sent an opcode of ${pdu.opcode}`);
    switch (said.kind) {
      case 'login':
        return this.#loginAnswered(pdu, said);
      case 'text':
        this.#settle(said.tag);
        return this.#text(pdu);
      case 'response':
        return this.#completed(pdu, said);
      case 'data-in': {
        const task = this.#tasks.get(said.tag);
        if (task !== undefined) task.returned?.push(Buffer.from(said.data));
        if (said.hasStatus) return this.#completed(pdu, said);
        if (task === undefined || task.verdict === null) this.#answer(pdu);
        return;
      }
      case 'task-management':
        return this.#managed(pdu, said);
      case 'nop-in':
      case 'logout':
        this.#settle(said.tag);
        return this.#answer(pdu);
      default:
        return this.#answer(pdu);
    }
  }

  #loginAnswered(pdu: RawPdu, said: TargetPdu & { kind: 'login' }): void {
    const { seen } = this.#login;
    if (!this.#login.response(pdu))
      return this.#connection.end('protocol error: tgtd sent a login without end');
    if (seen.state === 'refused') this.#host.loginRefused(this, callerOf(seen), seen.status);
    this.#text(pdu);
    if (seen.state !== 'complete' || said.statusClass !== 0) return;
    this.#connection.loggedIn(seen.digests);
    if (seen.isDiscovery) return;
    this.#caller = callerOf(seen);
    this.#host.loggedIn(this);
  }

  /** The one kind of answer that is changed: it names where tgtd listens, where no client gets. */
  #text(pdu: RawPdu): void {
    const { host, port } = this.#connection.reached;
    const data = namingTheTap(pdu.data, this.#host.upstreamPort, addressText(host, port));
    if (data === undefined) return this.#answer(pdu);
    const header = pdu.header.slice();
    header.set([data.length >>> 16, data.length >>> 8, data.length], 5);
    this.#connection.toClient(sealed(header, data, this.#connection.digests));
  }

  #completed(pdu: RawPdu, said: Answer): void | Promise<void> {
    const task = this.#settle(said.tag);
    if (task === undefined) return this.#answer(pdu);
    const sense = said.kind === 'response' ? senseIn(said.data) : new Uint8Array(0);
    const outcome = outcomeOf(said.status, sense);
    // A unit attention stands before everything, and is told once: it must not be lost.
    const isMade = task.verdict !== null && !outcome.isUnitAttention;
    const pieces = isMade
      ? answerOf(said, task.verdict!, task.expectedBytes, this.#connection.digests)
      : pdu.pieces;
    const made = isMade
      ? { ...outcomeOf(task.verdict!.status, sense), text: task.verdict!.outcome }
      : outcome;
    for (const settled of task.settled) settled(made.text);
    const recorded = this.#host.completed(this, task, made);
    if (recorded === undefined) return this.#connection.toClient(pieces);
    return recorded.then(
      () => this.#connection.toClient(pieces),
      (error: unknown) => this.#connection.end((error as Error).message),
    );
  }

  #managed(pdu: RawPdu, said: TargetPdu & { kind: 'task-management' }): void | Promise<void> {
    const task = this.#settle(said.tag);
    if (task === undefined) return this.#answer(pdu);
    const { verdict } = task;
    const isDone = verdict === null && said.response === FUNCTION_COMPLETE;
    for (const settled of task.settled)
      settled(verdict?.outcome ?? (isDone ? 'ok' : `response ${said.response}`));
    if (verdict !== null) return this.#connection.toClient(rejectedReset(said, this.#connection.digests));
    if (!task.isReset || !isDone) return this.#answer(pdu);
    return this.#host.wasReset(this, task).then(() => this.#answer(pdu));
  }

  #settle(tag: number): Task | undefined {
    const task = this.#tasks.get(tag);
    if (task === undefined) return undefined;
    this.#tasks.delete(tag);
    this.#costBytes -= task.costBytes;
    return task;
  }

  #pass(pdu: RawPdu): void {
    this.#connection.toTarget(pdu.pieces);
  }

  #answer(pdu: RawPdu): void {
    this.#connection.toClient(pdu.pieces);
  }

  #broken(what: string): void {
    this.#connection.cut(`protocol error: the client sent ${what}`);
  }
}
