import { connect, type Socket } from 'node:net';
import { NbdClient } from '../../src/wire/nbd/client.ts';
import { nbdErrorName, nbdRefusalName } from '../../src/wire/nbd/constants.ts';
import type { ExportInfo } from '../../src/wire/nbd/export-info.ts';
import type { Outcome } from '../../src/wire/nbd/outcome.ts';
import { grantedEpochIn } from '../../src/wire/nbd/refusal.ts';
import type { Command } from '../../src/wire/nbd/request.ts';
import { type NbdExport, parseNbdUri } from './nbd-address.ts';
import { secureByKey } from './psk-socket.ts';

/** The server does not let this client have the export. */
export class ExportRefused extends Error {
  override readonly name = 'ExportRefused';
  /** The epoch that the gate granted last, where it said so. */
  readonly grantedEpoch: number | undefined;
  constructor(message: string, grantedEpoch: number | undefined) {
    super(message);
    this.grantedEpoch = grantedEpoch;
  }
}

/** The server answered this request with an error. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** There is no connection (any more). What was in flight may have been done, or may still be. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

interface Waiting {
  what: string;
  resolve(payload: Uint8Array): void;
  reject(error: Error): void;
}

/**
 * One connection to one export, and nothing is ever repeated: when it is lost, whoever owns it decides what to do. No
 * deadlines either: a request waits as long as the connection lives.
 */
export class NbdDisk {
  readonly sizeBytes: number;
  /** Resolves with the reason when the connection is gone; it never comes back. */
  readonly lost: Promise<string>;
  readonly #link: Link;

  private constructor(link: Link, info: ExportInfo) {
    this.#link = link;
    this.sizeBytes = info.sizeBytes;
    this.lost = link.lost;
  }

  /**
   * Rejects with `ExportRefused`, with `ConnectionLost` when there is no answer within `timeoutMs`, and with another
   * error when the export is read-only or has no forced unit access.
   */
  static async connect(uri: string, timeoutMs: number): Promise<NbdDisk> {
    const link = new Link(uri);
    const timer = setTimeout(() => link.lose(`no answer within ${timeoutMs} ms`), timeoutMs);
    try {
      const info = await link.ready;
      if (!info.canFua || info.readOnly) {
        link.lose('not usable');
        throw new Error(`${uri}: ${info.readOnly ? 'is read-only' : 'offers no forced unit access'}`);
      }
      return new NbdDisk(link, info);
    } finally {
      clearTimeout(timer);
    }
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#link.ask(
      { kind: 'read', offsetBytes, lengthBytes },
      `read of ${lengthBytes} bytes at ${offsetBytes}`,
    );
  }

  /** Resolves when the bytes are on stable storage (forced unit access). */
  async writeFua(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    await this.#link.ask(
      { kind: 'write', offsetBytes, bytes, fua: true },
      `write of ${bytes.length} bytes at ${offsetBytes}`,
    );
  }

  /** What is in flight is rejected with `ConnectionLost`: nobody waits for it any more. */
  close(): void {
    this.#link.leave();
  }
}

/** Socket and sans-I/O client together. */
class Link {
  readonly ready: Promise<ExportInfo>;
  readonly lost: Promise<string>;
  readonly #uri: string;
  readonly #client: NbdClient;
  readonly #psk: NbdExport['psk'];
  /** Under TLS: the one that goes through the connection. */
  #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #settleReady: PromiseWithResolvers<ExportInfo>;
  readonly #settleLost = Promise.withResolvers<string>();
  #gone: string | undefined;

  constructor(uri: string) {
    const { connect: where, exportName, psk } = parseNbdUri(uri);
    this.#uri = uri;
    this.#psk = psk;
    this.#client = new NbdClient(exportName, { tls: psk !== undefined });
    this.#settleReady = Promise.withResolvers<ExportInfo>();
    this.ready = this.#settleReady.promise;
    this.ready.catch(() => {});
    this.lost = this.#settleLost.promise;
    this.#socket = this.#listenTo(connect({ ...where, noDelay: true }));
  }

  #listenTo<S extends Socket>(socket: S): S {
    socket.on('data', this.#received);
    socket.once('error', (error: NodeJS.ErrnoException) => this.lose(error.code ?? error.message));
    socket.once('close', () => this.lose('the connection was closed'));
    return socket;
  }

  readonly #received = (chunk: Buffer): void => {
    for (const outcome of this.#client.receive(chunk)) this.#take(outcome);
  };

  #startTls(): void {
    const plain = this.#socket.off('data', this.#received);
    try {
      const secure = this.#listenTo(secureByKey(plain, this.#psk!));
      this.#socket = secure;
      secure.once('secureConnect', () => secure.write(this.#client.secured()));
    } catch (error) {
      this.lose((error as Error).message);
    }
  }

  ask(command: Command, what: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(new ConnectionLost(`${this.#uri}: ${this.#gone}`));
      const { cookie, bytes } = this.#client.issue(command);
      this.#waiting.set(cookie, { what, resolve, reject });
      this.#socket.write(bytes);
    });
  }

  leave(): void {
    if (this.#gone !== undefined) return;
    // It "SHOULD wait until there are no inflight requests first"; whoever does not want to wait goes as if it had died.
    if (this.#waiting.size > 0) return this.lose('closed');
    this.#socket.end(this.#client.disconnect());
    this.#forget('closed');
  }

  lose(reason: string): void {
    this.#socket.destroy();
    this.#forget(reason);
  }

  #take(outcome: Outcome): void {
    switch (outcome.kind) {
      case 'send':
        this.#socket.write(outcome.bytes);
        break;
      case 'ready':
        this.#settleReady.resolve(outcome.info);
        break;
      case 'refused': {
        const text = outcome.text === '' ? nbdRefusalName(outcome.type) : outcome.text;
        this.#settleReady.reject(new ExportRefused(`${this.#uri}: ${text}`, grantedEpochIn(outcome.text)));
        this.#socket.end();
        break;
      }
      case 'done':
        this.#answered(outcome.cookie)?.resolve(outcome.payload);
        break;
      case 'failed': {
        const code = nbdErrorName(outcome.error);
        const waiting = this.#answered(outcome.cookie);
        const message = `${this.#uri}: ${waiting?.what} failed with NBD error ${outcome.error} (${code})`;
        waiting?.reject(new RequestRefused(message, code));
        break;
      }
      case 'broken':
        this.lose(outcome.text);
        break;
      case 'start-tls':
        this.#startTls();
        break;
      case 'no-tls':
        this.lose(`the server has no TLS: ${outcome.text}`);
        break;
    }
  }

  #answered(cookie: number): Waiting | undefined {
    const waiting = this.#waiting.get(cookie);
    this.#waiting.delete(cookie);
    return waiting;
  }

  #forget(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#settleReady.reject(new ConnectionLost(`${this.#uri}: ${reason}`));
    for (const { what, reject } of this.#waiting.values()) {
      reject(new ConnectionLost(`${this.#uri}: outcome of the ${what} unknown: ${reason}`));
    }
    this.#waiting.clear();
    this.#settleLost.resolve(reason);
  }
}
