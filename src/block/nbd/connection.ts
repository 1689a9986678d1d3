import type { Socket } from 'node:net';
import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { NBD_ERROR, nbdErrorName } from '../../wire/nbd/constants.ts';
import type { NbdClient } from '../../wire/nbd/client.ts';
import type { ExportInfo } from '../../wire/nbd/export-info.ts';
import type { Failed, Outcome } from '../../wire/nbd/outcome.ts';
import { type Command, describeCommand } from '../../wire/nbd/request.ts';
import { reset } from '../reset.ts';
import type { NbdAddress } from '../uri-nbd.ts';
import { formatNbdUri } from '../uri-nbd.ts';
import { Alarm } from '../alarm.ts';
import { negotiate, type Negotiated, type NbdTarget } from './negotiate.ts';
import { Outbox } from '../outbox.ts';
import { shortened } from './shortened.ts';

/** Requests whose user gave up and that were not answered either. Beyond that the connection is given up too. */
const lateLimit = 1024;
/** How long a clean leave waits for answers that are late, and then for the server, before the socket is dropped. */
const leaveMs = 1000;

interface Pending {
  command: Command;
  /** What was received on this connection when the request was issued, in chunks. */
  receivedBefore: number;
  deadlineMs: number;
  /** Of `performance.now()`. */
  untilMs: number;
  resolve: (payload: Uint8Array) => void;
  reject: (error: Error) => void;
}

/**
 * One connection to one export of an NBD server. It is never made again by itself: whoever wants another one opens
 * another one. A request that fails or runs out of time leaves the others alone.
 */
export class NbdConnection implements AsyncDisposable {
  readonly target: NbdTarget;
  readonly info: ExportInfo;
  /** Reads are answered in chunks, errors with words. */
  readonly structuredReplies: boolean;
  readonly #socket: Socket;
  /** Under TLS: the connection that `#socket` goes through. */
  readonly #transport: Socket;
  readonly #wire: NbdClient;
  readonly #outbox: Outbox;
  /** One for all requests: their deadlines are mostly the same, and nearly all of them never come. */
  readonly #alarm = new Alarm((nowMs) => this.#expireUntil(nowMs));
  #chunksReceived = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #closedListeners: ((reason: string) => void)[] = [];
  readonly #gone: Promise<void>;
  /** Why no request is issued here any more; the ones in flight go on. */
  #leaving: { reason: string; politely: boolean } | undefined;
  #lost: string | undefined;
  #closedByUser = false;
  #lastError: Error | undefined;
  #lateTimer: NodeJS.Timeout | undefined;

  /**
   * Connects, negotiates, and stays connected. All of it within `deadlineMs`. Rejects with `DeviceUnusable` when the
   * server refuses the export (with `grantedEpoch` where a gate named one) or is no server to be used, and with
   * `RequestFailed` code ENOTCONN when there is no server or no answer.
   */
  static open(options: {
    address: NbdAddress;
    exportName: string;
    deadlineMs: number;
  }): Promise<NbdConnection> {
    const { address, exportName, deadlineMs } = options;
    const target = { address, exportName, name: formatNbdUri(address, exportName) };
    return negotiate(target, deadlineMs, (ready) => new NbdConnection(ready));
  }

  private constructor({ target, socket, transport, wire, info, structuredReplies }: Negotiated) {
    this.target = target;
    this.info = info;
    this.structuredReplies = structuredReplies;
    this.#socket = socket;
    this.#transport = transport;
    this.#wire = wire;
    this.#outbox = new Outbox(socket);
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    socket.on('end', () => this.#lose('closed by the server'));
    this.#gone = new Promise((resolve) => {
      socket.on('close', () => {
        this.#lose(this.#lastError?.message ?? 'the socket was closed');
        resolve();
      });
    });
  }

  /** False once the connection is lost, or being left: requests want another one. */
  get usable(): boolean {
    return this.#leaving === undefined && this.#lost === undefined;
  }

  /** What came of replies that are not complete yet, for requests somebody waits for. */
  get heldBytes(): number {
    return this.#wire.heldBytes;
  }

  /**
   * One request, issued once. Resolves with the payload of a read. Rejects with `RequestFailed` when the server said
   * no, with `OutcomeUnknown` after `deadlineMs` or when the connection breaks. Only while `usable`.
   */
  request(command: Command, deadlineMs: number): Promise<Uint8Array> {
    if (!this.usable)
      throw new Error(`invariant: a request on a connection that is being left (${this.target.name})`);
    return new Promise((resolve, reject) => {
      const { cookie } = this.#wire.issue(command, this.#outbox.room);
      const untilMs = performance.now() + deadlineMs;
      const receivedBefore = this.#chunksReceived;
      this.#pending.set(cookie, { command, receivedBefore, deadlineMs, untilMs, resolve, reject });
      this.#alarm.ringBy(untilMs);
    });
  }

  /** Tells, once and with the reason, that the connection ended without `close`; at once when it already has. */
  onClosed(listener: (reason: string) => void): void {
    const lost = this.#lost;
    if (lost === undefined) this.#closedListeners.push(listener);
    else if (!this.#closedByUser) queueMicrotask(() => listener(lost));
  }

  /** Leaves politely once the requests in flight are settled. Resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#closedByUser = true;
    this.#leave('closed', true);
    await this.#gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #received(chunk: Uint8Array): void {
    this.#chunksReceived += 1;
    for (const outcome of this.#wire.receive(chunk)) this.#take(outcome);
    this.#leaveWhenIdle();
  }

  #take(outcome: Outcome): void {
    switch (outcome.kind) {
      case 'done':
        this.#settle(outcome.cookie)?.resolve(outcome.payload);
        return;
      case 'failed':
        if (outcome.error === NBD_ERROR.ESHUTDOWN) this.#leave('the server is shutting down', true);
        this.#fail(outcome);
        return;
      case 'broken':
        this.#lose(outcome.text);
        return;
      default:
        throw new Error(`invariant: '${outcome.kind}' after the negotiation with ${this.target.name}`);
    }
  }

  #fail({ cookie, error, text, offsetBytes }: Failed): void {
    const pending = this.#settle(cookie);
    if (pending === undefined) return;
    const code = nbdErrorName(error);
    const where = offsetBytes === undefined ? '' : ` at offset ${offsetBytes}`;
    const why = text === undefined ? '' : `: ${shortened(text)}`;
    const message = `${this.#describe(pending)} failed with NBD error ${error} (${code})${where}${why}`;
    pending.reject(new RequestFailed(message, code));
  }

  /** Takes a request out of those in flight; undefined when its user gave it up earlier and its answer is late. */
  #settle(cookie: number): Pending | undefined {
    const pending = this.#pending.get(cookie);
    this.#pending.delete(cookie);
    if (this.#pending.size === 0) this.#alarm.rest();
    return pending;
  }

  /** Gives up every request whose time is over. Returns the earliest deadline of the others. */
  #expireUntil(nowMs: number): number {
    let earliestMs = Infinity;
    for (const [cookie, pending] of this.#pending) {
      if (pending.untilMs <= nowMs) this.#expire(cookie, pending);
      else earliestMs = Math.min(earliestMs, pending.untilMs);
    }
    return earliestMs;
  }

  #expire(cookie: number, pending: Pending): void {
    this.#pending.delete(cookie);
    this.#wire.abandon(cookie);
    pending.reject(
      new OutcomeUnknown(
        `${this.#describe(pending)} was not answered within ${Math.round(pending.deadlineMs)} ms`,
      ),
    );
    // A TCP connection that lost packets for long sends again after a back-off of up to minutes; a new one does not
    // wait. The other requests in flight here keep their chance: a slow server is not a dead one.
    const silent = this.#chunksReceived === pending.receivedBefore;
    const tooManyLate = this.#wire.unanswered - this.#pending.size > lateLimit;
    if (silent || tooManyLate) this.#leave('the server does not answer', false);
    this.#leaveWhenIdle();
  }

  #leave(reason: string, politely: boolean): void {
    this.#leaving ??= { reason, politely };
    if (!politely) this.#leaving.politely = false;
    this.#leaveWhenIdle();
  }

  /** NBD_CMD_DISC goes out with nothing in flight; late answers are waited for a little, and then not at all. */
  #leaveWhenIdle(): void {
    if (this.#leaving === undefined || this.#lost !== undefined || this.#pending.size > 0) return;
    const { reason, politely } = this.#leaving;
    if (!politely) this.#lose(reason);
    else if (this.#wire.unanswered === 0) this.#disconnect(reason);
    else this.#lateTimer ??= setTimeout(() => this.#lose(reason), leaveMs);
  }

  #disconnect(reason: string): void {
    this.#outbox.flush();
    this.#socket.write(this.#wire.disconnect());
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), leaveMs);
    void this.#gone.then(() => clearTimeout(timer));
    this.#lose(reason, true);
  }

  /** The connection is over. What is in flight may still take effect; nobody here will learn whether it did. */
  #lose(reason: string, politely = false): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    clearTimeout(this.#lateTimer);
    this.#alarm.stop();
    if (!politely) this.#drop();
    for (const cookie of [...this.#pending.keys()]) {
      const pending = this.#settle(cookie)!;
      pending.reject(
        new OutcomeUnknown(`${this.#describe(pending)} was not answered: connection lost: ${reason}`),
      );
    }
    if (!this.#closedByUser) for (const listener of this.#closedListeners) listener(reason);
  }

  /** Over TCP with a reset, which also takes back what this machine's kernel has not sent yet. */
  #drop(): void {
    if ('socketPath' in this.target.address || this.#transport.destroyed) this.#socket.destroy();
    else reset(this.#transport);
  }

  #describe({ command }: Pending): string {
    return `${this.target.name}: ${describeCommand(command)}`;
  }
}
