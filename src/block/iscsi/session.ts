import type { Socket } from 'node:net';
import { RequestFailed } from '../../ports/block-device.ts';
import type { AsyncEvent } from '../../wire/iscsi/async-event.ts';
import type { Lun } from '../../wire/iscsi/header-fields.ts';
import type { Initiator } from '../../wire/iscsi/initiator.ts';
import type { InitiatorOutcome } from '../../wire/iscsi/outcome.ts';
import type { SessionParameters } from '../../wire/iscsi/session-parameters.ts';
import { operationName } from '../../wire/scsi/operation.ts';
import type { ScsiRequest } from '../../wire/scsi/request.ts';
import { parseSense } from '../../wire/scsi/sense.ts';
import { Alarm } from '../alarm.ts';
import type { CommandAnswer } from './condition.ts';
import { type IscsiTarget, type LoggedIn, logIn } from './login.ts';
import { reset } from '../reset.ts';
import { Outbox } from '../outbox.ts';
import { isAwaited, noAnswer, notSent, type Task, Tasks } from './tasks.ts';
import { taskResponseName } from './task-response.ts';

/** Commands whose user gave up and that were not answered either. Beyond that the session is given up too. */
const lateLimit = 1024;
/** How long a clean leave waits for answers that are late, and then for the target, before the socket is dropped. */
const leaveMs = 1000;

/**
 * One session with one iSCSI target, of one connection. It is never made again by itself: whoever wants another one opens
 * another one. A command that fails or runs out of time leaves the others alone, and is never sent again.
 */
export class IscsiSession implements AsyncDisposable {
  /** For messages: the URI it was opened for, without secrets. */
  readonly name: string;
  readonly parameters: SessionParameters;
  readonly #socket: Socket;
  readonly #wire: Initiator;
  readonly #outbox: Outbox;
  readonly #tasks = new Tasks();
  readonly #keep = (data: Uint8Array): Uint8Array => this.#tasks.memory.copyOf(data);
  readonly #alarm = new Alarm((nowMs) => this.#expireUntil(nowMs));
  #chunksReceived = 0;
  readonly #closedListeners: ((reason: string) => void)[] = [];
  readonly #gone: Promise<void>;
  /** Why no command is issued here any more; the ones in flight go on. */
  #leaving: { reason: string; politely: boolean } | undefined;
  #lost: string | undefined;
  #closedByUser = false;
  #lastError: Error | undefined;
  #lateTimer: NodeJS.Timeout | undefined;

  /**
   * Connects and logs in, within `deadlineMs`. Rejects with `DeviceUnusable` when the target refuses this initiator (wrong
   * secret, unknown target) or is none to be used, and with `RequestFailed` code ENOTCONN when there is no target or no
   * answer; the phase of the login is in the text.
   */
  static open(target: IscsiTarget & { deadlineMs: number }): Promise<IscsiSession> {
    return logIn(target, target.deadlineMs, (ready) => new IscsiSession(ready));
  }

  private constructor({ name, socket, wire, session, outcomes }: LoggedIn) {
    this.name = name;
    this.parameters = session;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#wire = wire;
    socket.on('data', (chunk) => {
      this.#chunksReceived += 1;
      this.#received(wire.receive(chunk));
    });
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    socket.on('end', () => this.#lose('closed by the target'));
    this.#gone = new Promise((resolve) => {
      socket.on('close', () => {
        this.#lose(this.#lastError?.message ?? 'the socket was closed');
        resolve();
      });
    });
    this.#received(outcomes);
  }

  /** False once the session is lost, or being left: commands want another one. */
  get usable(): boolean {
    return this.#leaving === undefined && this.#lost === undefined;
  }

  /** What came of answers that are not complete yet. */
  get heldBytes(): number {
    return this.#wire.heldBytes;
  }

  /**
   * One command, sent once; `dataOut` is copied; `what` is for messages. Resolves with what the unit answered, GOOD or not. Rejects with
   * `OutcomeUnknown` after `deadlineMs` or when the session breaks, and with `RequestFailed`: code EIO when the target failed
   * at it without a status, and with effect `none` when it was never sent: ETIMEDOUT when the target took no more commands
   * until the deadline, ENOTCONN when the session was lost before. Only while `usable`.
   */
  command(
    lun: Lun,
    request: ScsiRequest,
    deadlineMs: number,
    what = `${operationName(request.cdb[0]!)} to unit ${String(lun)}`,
  ): Promise<CommandAnswer> {
    this.#requireUsable();
    const command = { ...request, lun, keep: this.#keep };
    return this.#begin<CommandAnswer>({ what, command, deadlineMs }, (task) => {
      this.#tasks.queue(task);
      this.#issueQueued();
      const isQueued = task.tag === undefined;
      if (isQueued && command.dataOut !== undefined) command.dataOut = new Uint8Array(command.dataOut);
    });
  }

  /**
   * LOGICAL UNIT RESET (SAM-5, 7.6): its answer says that no command sent to the unit before, by anybody, can have an
   * effect any more. Rejects as `command` does; `RequestFailed` when the target refuses, with its response as code.
   */
  async logicalUnitReset(lun: Lun, deadlineMs: number): Promise<void> {
    this.#requireUsable();
    const what = `LOGICAL UNIT RESET of unit ${String(lun)}`;
    const response = await this.#begin<number>({ what, command: undefined, deadlineMs }, (task) => {
      const { tag, pieces } = this.#wire.manageTask('logical-unit-reset', { lun });
      this.#tasks.sent(tag, task);
      this.#outbox.send(pieces);
    });
    if (response === 0) return;
    const code = taskResponseName(response);
    throw new RequestFailed(`${this.name}: ${what} failed: ${code}`, code);
  }

  /** Tells, once and with the reason, that the session ended without `close`; at once when it already has. */
  onClosed(listener: (reason: string) => void): void {
    const lost = this.#lost;
    if (lost === undefined) this.#closedListeners.push(listener);
    else if (!this.#closedByUser) queueMicrotask(() => listener(lost));
  }

  /** Logs out once the commands in flight are settled. Resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#closedByUser = true;
    this.#leave('closed', true);
    await this.#gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin<T>(asked: Pick<Task, 'what' | 'command' | 'deadlineMs'>, start: (task: Task) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const untilMs = performance.now() + asked.deadlineMs;
      const receivedBefore = this.#chunksReceived;
      start({ ...asked, untilMs, receivedBefore, resolve: resolve as Task['resolve'], reject });
      this.#alarm.ringBy(untilMs);
    });
  }

  #requireUsable(): void {
    if (!this.usable) throw new Error(`invariant: a command on a session that is being left (${this.name})`);
  }

  #received(outcomes: readonly InitiatorOutcome[]): void {
    for (const outcome of outcomes) this.#take(outcome);
    this.#leaveWhenIdle();
  }

  #take(outcome: InitiatorOutcome): void {
    switch (outcome.kind) {
      case 'send':
        if (!this.#outbox.answer(outcome.pieces)) this.#lose('the target asks, and reads no answer');
        return;
      case 'answered': {
        const { status, sense, data, residual } = outcome;
        const missingBytes = residual.kind === 'underflow' ? residual.bytes : 0;
        this.#tasks.settle(outcome.tag)?.resolve({ status, sense: parseSense(sense), data, missingBytes });
        return;
      }
      case 'managed':
        for (const tag of outcome.ended) this.#end(tag, 'was ended by a reset');
        this.#tasks.settle(outcome.tag)?.resolve(outcome.response);
        return;
      case 'failed': {
        const task = this.#tasks.settle(outcome.tag);
        task?.reject(new RequestFailed(`${this.name}: ${task.what} failed: ${outcome.text}`, 'EIO'));
        return;
      }
      case 'window':
        this.#issueQueued();
        return;
      case 'async':
        this.#hear(outcome.event, outcome.lun);
        return;
      case 'broken':
        this.#lose(outcome.text);
        return;
      case 'logged-out':
        this.#socket.destroySoon();
        return;
      case 'pong':
      case 'text':
        return;
      default:
        throw new Error(`invariant: '${outcome.kind}' after the login to ${this.name}`);
    }
  }

  #hear(event: AsyncEvent, lun: Lun): void {
    switch (event.kind) {
      case 'logout-requested':
        this.#leave('the target asks for a logout', true);
        return;
      case 'dropped':
        this.#lose('the target drops the session');
        return;
      case 'tasks-terminated':
        for (const tag of this.#tasks.tagsOf(lun)) this.#end(tag, 'was ended by the target');
        return;
      default:
    }
  }

  /** Those that wait for room in the target's command window (RFC 7143, section 4.2.2.1). */
  #issueQueued(): void {
    for (let next = this.#tasks.next; next !== undefined && this.usable; next = this.#tasks.next) {
      const issued = this.#wire.issue(next.command!);
      if (issued === undefined) return;
      next.receivedBefore = this.#chunksReceived;
      if (issued.kept !== undefined) next.kept = issued.kept;
      this.#tasks.sent(issued.tag, next);
      this.#outbox.send(issued.pieces);
    }
  }

  #end(tag: number, why: string): void {
    const task = this.#tasks.settle(tag);
    task?.reject(noAnswer(this.name, task, `: it ${why}`));
  }

  #expireUntil(nowMs: number): number {
    const { due, nextMs } = this.#tasks.takeDue(nowMs);
    for (const task of due) this.#expire(task);
    return nextMs;
  }

  #expire(task: Task): void {
    const within = `within ${Math.round(task.deadlineMs)} ms`;
    if (task.tag === undefined) {
      task.reject(notSent(this.name, task, `the target took no more commands ${within}`, 'ETIMEDOUT'));
    } else {
      this.#wire.abandon(task.tag);
      task.reject(noAnswer(this.name, task, within));
    }
    // As over NBD: a connection on which nothing came at all is given up, for a new one does not wait for the back-off of
    // TCP; the other commands in flight here keep their chance.
    const silent = this.#chunksReceived === task.receivedBefore;
    const tooManyLate = this.#wire.unanswered - this.#tasks.inFlight > lateLimit;
    if (silent || tooManyLate) this.#leave('the target does not answer', false);
    else if (isAwaited(task, this.parameters))
      this.#leave('a write was given up that its target waits for', false);
    this.#leaveWhenIdle();
  }

  #leave(reason: string, politely: boolean): void {
    this.#leaving ??= { reason, politely };
    if (!politely) this.#leaving.politely = false;
    this.#refuseQueued(`the session is being left: ${reason}`);
    this.#leaveWhenIdle();
  }

  /** The logout goes out with nothing in flight; late answers are waited for a little, and then not at all. */
  #leaveWhenIdle(): void {
    if (this.#leaving === undefined || this.#lost !== undefined || this.#tasks.inFlight > 0) return;
    const { reason, politely } = this.#leaving;
    if (!politely) this.#lose(reason);
    else if (this.#wire.unanswered === 0) this.#logOut(reason);
    else this.#lateTimer ??= setTimeout(() => this.#lose(reason), leaveMs);
  }

  #logOut(reason: string): void {
    this.#outbox.send(this.#wire.logout());
    const timer = setTimeout(() => this.#socket.destroy(), leaveMs);
    void this.#gone.then(() => clearTimeout(timer));
    this.#lose(reason, true);
  }

  #refuseQueued(why: string): void {
    for (const task of this.#tasks.takeQueued()) task.reject(notSent(this.name, task, why, 'ENOTCONN'));
  }

  /** The session is over. What is in flight may still take effect; nobody here will learn whether it did. */
  #lose(reason: string, politely = false): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    clearTimeout(this.#lateTimer);
    this.#alarm.stop();
    if (!politely) reset(this.#socket);
    this.#refuseQueued(`the session was lost: ${reason}`);
    for (const task of this.#tasks.takeSent())
      task.reject(noAnswer(this.name, task, `: session lost: ${reason}`));
    if (!this.#closedByUser) for (const listener of this.#closedListeners) listener(reason);
  }
}
