import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { resetAtOnce } from './reset-at-once.ts';

/** How a link behaves. `drop` loses what is sent without a word; `reset` ends what is open and refuses what is new. */
export type LinkState = 'open' | 'drop' | 'reset';

export interface RelayEnds {
  /** Where clients of this link connect. */
  listen: { host: string; port: number };
  /** Where the relay connects on their behalf, and from which address: the far side sees the server, not the relay. */
  to: { host: string; port: number; localAddress: string };
}

/**
 * One link of the lab: a TCP relay that can lose its packets. While it drops, nothing is read from either side, so what
 * was sent stays queued and arrives after the link is mended: exactly what a retransmitting TCP does, late writes
 * included, and the reason why a cut must never be taken for an ended write.
 */
export class Relay implements AsyncDisposable {
  readonly #ends: RelayEnds;
  readonly #server: Server;
  readonly #pairs = new Set<{ near: Socket; far: Socket }>();
  #state: LinkState = 'open';

  private constructor(ends: RelayEnds) {
    this.#ends = ends;
    // Half-open, or the near side's end would be answered by Node itself while the link drops everything.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (near) =>
      this.#accept(near),
    );
  }

  static async open(ends: RelayEnds): Promise<Relay> {
    const relay = new Relay(ends);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', reject);
      relay.#server.listen(ends.listen.port, ends.listen.host, resolve);
    });
    return relay;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Connections that exist right now; what a `drop` silences and a `reset` ends. */
  get connections(): number {
    return this.#pairs.size;
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const { near, far } of [...this.#pairs]) {
      if (state === 'reset') {
        resetAtOnce(near);
        resetAtOnce(far);
      } else if (state === 'drop') {
        near.pause();
        far.pause();
      } else {
        near.resume();
        far.resume();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    if (this.#state === 'reset') {
      near.on('error', () => {});
      resetAtOnce(near);
      return;
    }
    const { host, port, localAddress } = this.#ends.to;
    const far = createConnection({ host, port, localAddress, noDelay: true, allowHalfOpen: true });
    const pair = { near, far };
    this.#pairs.add(pair);
    far.pause();
    this.#forward(near, far, pair);
    this.#forward(far, near, pair);
    if (this.#state === 'open') {
      near.resume();
      far.resume();
    }
  }

  #forward(from: Socket, to: Socket, pair: { near: Socket; far: Socket }): void {
    from.on('data', (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (this.#state === 'open') from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => resetAtOnce(to));
    from.on('close', () => {
      this.#pairs.delete(pair);
      to.destroySoon();
    });
  }
}
