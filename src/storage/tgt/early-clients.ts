import type { Socket } from 'node:net';

interface Early {
  socket: Socket;
  begin(): void;
  giveUp(reason: string): void;
}

/**
 * Clients that come while there is no tgtd, which is so for some milliseconds when one was replaced: they wait, unread, for
 * as long as a login may take.
 */
export class EarlyClients {
  readonly #withinMs: number;
  readonly #waiting = new Map<Early, NodeJS.Timeout>();

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
  }

  /** `begin` is called when somebody serves; `giveUp`, with the reason, when the client or the time has gone before. */
  wait(early: Early): void {
    const { socket } = early;
    const late = (): void => this.#giveUp(early, `no tgtd came to serve it within ${this.#withinMs} ms`);
    this.#waiting.set(early, setTimeout(late, this.#withinMs));
    socket.pause();
    socket.on('error', () => undefined);
    socket.once('close', () => this.#giveUp(early, 'the client closed the connection'));
  }

  /** There is a tgtd. */
  serve(): void {
    for (const early of this.#waiting.keys()) if (this.#forget(early)) early.begin();
  }

  /** There will be none any more. */
  close(reason: string): void {
    for (const early of this.#waiting.keys()) this.#giveUp(early, reason);
  }

  #giveUp(early: Early, reason: string): void {
    if (!this.#forget(early)) return;
    early.socket.destroy();
    early.giveUp(reason);
  }

  #forget(early: Early): boolean {
    clearTimeout(this.#waiting.get(early));
    return this.#waiting.delete(early);
  }
}
