import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** Of one piece of memory, at first and at most. One that is filled again and again is to stay in the cache. */
const leastBytes = 16 * 1024;
const mostBytes = 1024 * 1024;
const mostBytesAgain = 256 * 1024;
/** With less left of a piece than this share, the next one is begun: a read into a scrap costs as much as a whole one. */
const worthwhile = 1 / 8;

/**
 * Memory that a connection receives into. A piece is filled from its beginning to its end, by read after read, and never
 * filled again: whoever was given bytes out of it keeps them, and an answer that came in several reads still lies in one
 * place. Where reads fill what they are given the pieces become larger.
 */
class Inbox {
  #piece = new Uint8Array(0);
  #usedBytes = 0;
  #pieceBytes = leastBytes;
  #filled = false;

  /** Where the next bytes go. */
  room(): Uint8Array {
    if (this.#piece.length - this.#usedBytes < this.#piece.length * worthwhile || this.#piece.length === 0) {
      if (this.#filled && this.#pieceBytes < mostBytes) this.#pieceBytes *= 2;
      this.#piece = Buffer.allocUnsafeSlow(this.#pieceBytes);
      this.#usedBytes = 0;
      this.#filled = false;
    }
    return new Uint8Array(this.#piece.buffer, this.#usedBytes);
  }

  /** So many came into the last room. */
  received(lengthBytes: number): Uint8Array {
    const start = this.#usedBytes;
    this.#usedBytes += lengthBytes;
    // All that was left: there may have been more to read.
    this.#filled ||= this.#usedBytes === this.#piece.length;
    return new Uint8Array(this.#piece.buffer, start, lengthBytes);
  }
}

/** Memory that a connection receives into, which is filled from its beginning by every read. */
class UsedInbox {
  #piece = Buffer.allocUnsafeSlow(leastBytes);

  room(): Uint8Array {
    return this.#piece;
  }

  received(lengthBytes: number): Uint8Array {
    const piece = this.#piece;
    // The bytes that came in stay where they are.
    if (lengthBytes === piece.length && piece.length < mostBytesAgain)
      this.#piece = Buffer.allocUnsafeSlow(piece.length * 2);
    return new Uint8Array(piece.buffer, 0, lengthBytes);
  }
}

/**
 * Connects as `net.connect` does, and tells of what is received by the event `data` as any socket; but in chunks as large
 * as there is something to read, which lie behind each other in memory for as long as there is room. `again`: they all
 * lie in the same memory, and whoever is told of one has to be done with it before he returns.
 */
export function connectWithInbox(where: NetConnectOpts, { again = false } = {}): Socket {
  const inbox = again ? new UsedInbox() : new Inbox();
  const socket: Socket = connect({
    ...where,
    onread: {
      buffer: () => inbox.room(),
      callback: (lengthBytes) => {
        socket.emit('data', inbox.received(lengthBytes));
        return true;
      },
    },
  });
  return socket;
}
