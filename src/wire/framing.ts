/** Chunks smaller than this are copied together, so that a peer sending byte by byte costs bytes, not objects. */
const smallBytes = 2048;
const gatherBytes = 16384;

/**
 * Bytes as they come in off a stream, given out again in exact lengths. A slice that lies within one chunk, or within
 * chunks that lie behind each other in memory, is a view; one that spans others is copied once, when all of it is there.
 * So a payload costs one copy at most, however many chunks it came in.
 */
export class Framing {
  #pieces: Uint8Array[] = [];
  /** Pieces before this one are used up. */
  #head = 0;
  /** Bytes of the head piece that are used up. */
  #used = 0;
  #available = 0;
  #gather = new Uint8Array(0);
  #gathered = 0;

  /** Bytes that came in and were not taken yet. */
  get available(): number {
    return this.#available;
  }

  /** Takes over a chunk: the caller does not change its bytes afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#available === 0) this.#pieces.push(chunk);
    else if (follows(chunk, this.#pieces.at(-1)!)) this.#lengthen(chunk.length);
    else if (chunk.length < smallBytes) this.#append(chunk);
    else this.#pieces.push(chunk);
    this.#available += chunk.length;
  }

  /** The next `length` bytes, used up; undefined, and nothing used up, while there are fewer. */
  take(length: number): Uint8Array | undefined {
    if (length > this.#available) return undefined;
    const first = this.#pieces[this.#head];
    if (first === undefined || length <= first.length - this.#used) {
      const slice = first?.subarray(this.#used, this.#used + length) ?? new Uint8Array(0);
      this.#advance(length);
      return slice;
    }
    const whole = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const part = this.#pieces[this.#head]!.subarray(this.#used, this.#used + length - filled);
      whole.set(part, filled);
      filled += part.length;
      this.#advance(part.length);
    }
    return whole;
  }

  /** Uses up as many bytes as there are and as fit, copied into `target`. Returns how many. */
  takeInto(target: Uint8Array): number {
    const whole = Math.min(target.length, this.#available);
    for (let filled = 0; filled < whole;) {
      const part = this.#pieces[this.#head]!.subarray(this.#used, this.#used + whole - filled);
      target.set(part, filled);
      filled += part.length;
      this.#advance(part.length);
    }
    return whole;
  }

  /** Copies what is left of the chunk that was pushed last, so that its bytes may be changed. */
  keep(): void {
    const last = this.#pieces.at(-1);
    if (last === undefined || last.buffer === this.#gather.buffer) return;
    this.#pieces.pop();
    if (this.#head < this.#pieces.length) return this.#append(last);
    // All before it is used up.
    const rest = last.subarray(this.#used);
    this.#pieces = [];
    this.#head = this.#used = 0;
    this.#append(rest);
  }

  /** Uses up as many of the next `length` bytes as there are, unseen. Returns how many. */
  discard(length: number): number {
    const whole = Math.min(length, this.#available);
    let left = whole;
    while (left > 0) {
      const part = Math.min(left, this.#pieces[this.#head]!.length - this.#used);
      this.#advance(part);
      left -= part;
    }
    return whole;
  }

  /** `length` lies within the head piece. */
  #advance(length: number): void {
    this.#available -= length;
    this.#used += length;
    if (this.#available === 0) {
      this.#pieces = [];
      this.#head = this.#used = 0;
    } else if (this.#used === this.#pieces[this.#head]!.length) {
      this.#used = 0;
      // Compacted only when half of the array is used up, so that taking n pieces costs n steps and not n squared.
      if (++this.#head > 64 && this.#head * 2 > this.#pieces.length) {
        this.#pieces.splice(0, this.#head);
        this.#head = 0;
      }
    }
  }

  /** The last piece goes on in the memory behind it. */
  #lengthen(byBytes: number): void {
    const { buffer, byteOffset, length } = this.#pieces.at(-1)!;
    this.#pieces[this.#pieces.length - 1] = new Uint8Array(buffer, byteOffset, length + byBytes);
  }

  /** Copies a chunk behind the last piece when that one was gathered too. */
  #append(chunk: Uint8Array): void {
    if (this.#gather.length - this.#gathered < chunk.length) {
      this.#gather = new Uint8Array(Math.max(gatherBytes, chunk.length));
      this.#gathered = 0;
    }
    const start = this.#gathered;
    this.#gather.set(chunk, start);
    this.#gathered += chunk.length;
    const last = this.#pieces.at(-1);
    if (last?.buffer === this.#gather.buffer) {
      this.#pieces[this.#pieces.length - 1] = this.#gather.subarray(last.byteOffset, this.#gathered);
    } else {
      this.#pieces.push(this.#gather.subarray(start, this.#gathered));
    }
  }
}

function follows(chunk: Uint8Array, piece: Uint8Array): boolean {
  return chunk.buffer === piece.buffer && chunk.byteOffset === piece.byteOffset + piece.length;
}
