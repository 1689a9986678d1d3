import { connect, type Socket } from 'node:net';

interface TapParts {
  /** Where tgtd listens on loopback; undefined while there is none. */
  upstreamPort(): number | undefined;
}

/** What clients reach: each of their connections has one of its own to tgtd. */
export class Tap {
  readonly #parts: TapParts;
  readonly #sockets = new Set<Socket>();

  constructor(parts: TapParts) {
    this.#parts = parts;
  }

  accept(socket: Socket): void {
    const port = this.#parts.upstreamPort();
    socket.on('error', () => undefined);
    if (port === undefined) return void socket.destroy();
    const upstream = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    upstream.on('error', () => undefined);
    for (const end of [socket, upstream]) {
      end.setNoDelay(true);
      this.#sockets.add(end);
      end.once('close', () => this.#sockets.delete(end));
    }
    socket.pipe(upstream).pipe(socket);
    socket.once('close', () => upstream.destroy());
    upstream.once('close', () => socket.destroySoon());
  }

  /** tgtd is gone: nobody must wait for answers of it. */
  lost(_reason: string): void {
    this.stop();
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
