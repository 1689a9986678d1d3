import type { Socket } from 'node:net';

/** `peer`: the client's address, as the audit and the rules name it. */
export type Accept = (socket: Socket, peer: string) => void;

/**
 * Who comes before the storage node listens everywhere waits, so that the audit begins with the start of the storage
 * node.
 */
export class Door {
  #accept: Accept | null = null;
  #early: { socket: Socket; peer: string }[] = [];

  knock(socket: Socket, peer: string): void {
    if (this.#accept !== null) return this.#accept(socket, peer);
    // An error that nobody listens for ends the process.
    socket.on('error', () => undefined);
    this.#early.push({ socket, peer });
  }

  open(accept: Accept): void {
    this.#accept = accept;
    for (const { socket, peer } of this.#early) if (!socket.destroyed) accept(socket, peer);
    this.#early = [];
  }
}
