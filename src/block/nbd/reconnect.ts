import { RequestFailed } from '../../ports/block-device.ts';
import { within } from '../deadline.ts';
import { NbdConnection } from './connection.ts';
import type { NbdTarget } from './negotiate.ts';

/** Keeps one connection to an export at hand, and makes the next one when a request needs it and never by itself. */
export class Reconnector {
  readonly #target: NbdTarget;
  #connection: NbdConnection;
  #connecting: Promise<NbdConnection> | undefined;
  #closed = false;

  constructor(first: NbdConnection) {
    this.#target = first.target;
    this.#connection = first;
  }

  /** The connection made last, usable or not. */
  get latest(): NbdConnection {
    return this.#connection;
  }

  /** The connection at hand, when requests can go through it. */
  get usable(): NbdConnection | undefined {
    return !this.#closed && this.#connection.usable ? this.#connection : undefined;
  }

  /**
   * A usable connection by `untilMs` of `performance.now()`. Requests share an attempt to make one. Rejects with the
   * reason why there is none: nothing was sent.
   */
  async connected(untilMs: number, mayTryAgain = true): Promise<NbdConnection> {
    if (this.#closed) throw this.#none('the device was closed');
    if (this.#connection.usable) return this.#connection;
    const joined = this.#connecting;
    if (joined === undefined) return this.#begin(untilMs);
    try {
      return await within(untilMs - performance.now(), joined, () => this.#none('its deadline passed'));
    } catch (error) {
      // The attempt was another request's and ended with that one's deadline, which may have come before this one's.
      if (!mayTryAgain || performance.now() >= untilMs) throw error;
      return this.connected(untilMs, false);
    }
  }

  /** Requests in flight are settled first; those that wait for a connection are not sent any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection.close();
    await this.#connecting?.catch(() => undefined);
  }

  #begin(untilMs: number): Promise<NbdConnection> {
    this.#connecting = this.#connect(untilMs).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(untilMs: number): Promise<NbdConnection> {
    const { address, exportName } = this.#target;
    const deadlineMs = Math.max(0, untilMs - performance.now());
    const connection = await NbdConnection.open({ address, exportName, deadlineMs });
    if (this.#closed) {
      await connection.close();
      throw this.#none('the device was closed');
    }
    this.#connection = connection;
    return connection;
  }

  #none(why: string): RequestFailed {
    return new RequestFailed(`${this.#target.name}: not connected: ${why}`, 'ENOTCONN');
  }
}
