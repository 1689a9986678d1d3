import { RequestFailed } from '../ports/block-device.ts';
import { within } from './deadline.ts';

/** What requests go through, until it is lost. */
export interface Connection {
  /** False once it is lost, or being left: requests want another one. */
  readonly usable: boolean;
  /** Requests in flight are settled first. */
  close(): Promise<void>;
}

/** Keeps one connection at hand, and makes the next one when a request needs it and never by itself. */
export class Reconnector<C extends Connection> {
  readonly #name: string;
  readonly #open: (deadlineMs: number) => Promise<C>;
  #connection: C;
  #connecting: Promise<C> | undefined;
  #closed = false;

  /** `name`: for messages. `open` makes one connection more. */
  constructor(first: C, name: string, open: (deadlineMs: number) => Promise<C>) {
    this.#connection = first;
    this.#name = name;
    this.#open = open;
  }

  /** The connection made last, usable or not. */
  get latest(): C {
    return this.#connection;
  }

  /** The connection at hand, when requests can go through it. */
  get usable(): C | undefined {
    return !this.#closed && this.#connection.usable ? this.#connection : undefined;
  }

  /**
   * A usable connection by `untilMs` of `performance.now()`. Requests share an attempt to make one. Rejects with the
   * reason why there is none: nothing was sent.
   */
  async connected(untilMs: number, mayTryAgain = true): Promise<C> {
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

  #begin(untilMs: number): Promise<C> {
    this.#connecting = this.#connect(untilMs).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(untilMs: number): Promise<C> {
    const connection = await this.#open(Math.max(0, untilMs - performance.now()));
    if (this.#closed) {
      await connection.close();
      throw this.#none('the device was closed');
    }
    this.#connection = connection;
    return connection;
  }

  #none(why: string): RequestFailed {
    return new RequestFailed(`${this.#name}: not connected: ${why}`, 'ENOTCONN');
  }
}
