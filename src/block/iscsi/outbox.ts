import type { Socket } from 'node:net';

/** What is said in one turn leaves in one system call, for a small packet each would cost more than what is in it. */
export class Outbox {
  readonly #socket: Socket;
  #corked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(pieces: readonly Uint8Array[]): void {
    if (!this.#corked && pieces.length > 0) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    for (const piece of pieces) this.#socket.write(piece);
  }
}
