const leastBytes = 4096;
/** Larger pieces are not kept, nor more than these in all. */
const mostBytes = 512 * 1024;
const keptBytes = 1024 * 1024;

/**
 * Copies in memory that was used before. To take new memory for every one costs more than to fill it: what lies outside its
 * heap is what the collector of garbage runs for.
 */
export class SpareMemory {
  /** By the length of its pieces, which are powers of two. */
  readonly #unused = new Map<number, Uint8Array[]>();
  #keptBytes = 0;

  copyOf(bytes: Uint8Array): Uint8Array {
    let wholeBytes = leastBytes;
    while (wholeBytes < bytes.length) wholeBytes *= 2;
    let whole = this.#unused.get(wholeBytes)?.pop();
    if (whole === undefined) whole = Buffer.allocUnsafeSlow(wholeBytes);
    else this.#keptBytes -= wholeBytes;
    const copy = new Uint8Array(whole.buffer, 0, bytes.length);
    copy.set(bytes);
    return copy;
  }

  /** A copy that nobody looks at any more. Whoever is not sure leaves it to the collector of garbage. */
  giveBack(copy: Uint8Array): void {
    const whole = new Uint8Array(copy.buffer);
    if (whole.length > mostBytes || this.#keptBytes + whole.length > keptBytes) return;
    const unused = this.#unused.get(whole.length);
    if (unused === undefined) this.#unused.set(whole.length, [whole]);
    else unused.push(whole);
    this.#keptBytes += whole.length;
  }
}
