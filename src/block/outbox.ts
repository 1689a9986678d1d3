import type { Socket } from 'node:net';

/** Of one piece of memory. Agents say little, so the first ones are small; a larger request gets memory of its own. */
const leastBytes = 4 * 1024;
const mostBytes = 256 * 1024;
/** So much is worth a system call of its own, and the other side may begin with it. */
const enoughBytes = 64 * 1024;
/** Pieces that are kept for what is said next. */
const sparePieces = 4;

/** Answers to a side that has not taken the first of them yet: with all that may be in flight it has no use for more. */
const mostUntakenAnswers = 4096;

/** Requests that are laid into one piece of memory and leave together. */
interface Piece {
  bytes: Uint8Array;
  usedBytes: number;
  /** Called by the socket when the system has taken it all, or never will. */
  handedOver: (error?: Error | null) => void;
}

/**
 * What a connection has to say: the requests of one turn of the event loop leave in one system call where they are small,
 * in order, at the end of that turn. Each lies in memory of this outbox, so that its owner may change his own at once; the
 * memory is used again when the system has taken what was in it, and not before.
 */
export class Outbox {
  readonly #socket: Socket;
  #piece: Piece | undefined;
  readonly #spare: Piece[] = [];
  #usualBytes = leastBytes;
  readonly #flush = (): void => this.flush();
  #untakenAnswers = 0;
  /** What the system had to have taken for those to be no longer all untaken. */
  #answersFromBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Room for one request, to be filled before anything else is done here. */
  readonly room = (lengthBytes: number): Uint8Array => {
    let piece = this.#piece;
    if (piece !== undefined && !hasRoom(piece, lengthBytes)) {
      this.flush();
      piece = undefined;
    }
    if (piece === undefined) {
      piece = this.#piece = this.#take(lengthBytes);
      process.nextTick(this.#flush);
    }
    const start = piece.usedBytes;
    piece.usedBytes += lengthBytes;
    return piece.bytes.subarray(start, piece.usedBytes);
  };

  /** Pieces that follow each other, copied. */
  send(pieces: readonly Uint8Array[]): void {
    let lengthBytes = 0;
    for (const piece of pieces) lengthBytes += piece.length;
    const room = this.room(lengthBytes);
    let at = 0;
    for (const piece of pieces) {
      room.set(piece, at);
      at += piece.length;
    }
  }

  /**
   * Says what the other side asked for, as `send` does. False, and nothing said, when it has asked for so much without taking
   * any of it: what it does not read must not pile up here, and nobody here has a deadline for it.
   */
  answer(pieces: readonly Uint8Array[]): boolean {
    const { bytesWritten, writableLength } = this.#socket;
    if (bytesWritten - writableLength >= this.#answersFromBytes) {
      this.#answersFromBytes = bytesWritten + 1;
      this.#untakenAnswers = 0;
    }
    this.#untakenAnswers += 1;
    if (this.#untakenAnswers > mostUntakenAnswers) return false;
    this.send(pieces);
    return true;
  }

  /** Hands over what there is, now. */
  flush(): void {
    const piece = this.#piece;
    if (piece === undefined) return;
    this.#piece = undefined;
    if (this.#socket.destroyed) return;
    this.#socket.write(piece.bytes.subarray(0, piece.usedBytes), piece.handedOver);
  }

  #take(lengthBytes: number): Piece {
    while (this.#usualBytes < mostBytes && this.#usualBytes < 2 * lengthBytes) this.#usualBytes *= 2;
    const spare = this.#spare.pop();
    if (spare !== undefined && spare.bytes.length >= Math.max(lengthBytes, this.#usualBytes)) return spare;
    const bytes = Buffer.allocUnsafeSlow(Math.max(lengthBytes, this.#usualBytes));
    const piece: Piece = { bytes, usedBytes: 0, handedOver: (error) => this.#handedOver(piece, error) };
    return piece;
  }

  #handedOver(piece: Piece, error: Error | null | undefined): void {
    // A piece that filled up is a reason for larger ones.
    if (piece.usedBytes * 2 > piece.bytes.length && this.#usualBytes < mostBytes) this.#usualBytes *= 2;
    if (error || piece.bytes.length > mostBytes || this.#spare.length === sparePieces) return;
    piece.usedBytes = 0;
    this.#spare.push(piece);
  }
}

function hasRoom({ bytes, usedBytes }: Piece, lengthBytes: number): boolean {
  return usedBytes < enoughBytes && usedBytes + lengthBytes <= bytes.length;
}
