/** Node has it; its types come with a browser's only. */
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

const pageBytes = 65536;
/** Unused memories kept for the next request. */
const keptMemories = 16;

/**
 * Page-aligned memory, which O_DIRECT needs (open(2)) and a Buffer gives by chance only: that of a WebAssembly.Memory.
 * A piece is given back when no system call can touch it any more, be it long after the request was given up.
 */
export class AlignedMemory {
  readonly #unused = new Map<number, Uint8Array[]>();
  #kept = 0;

  /** `lengthBytes` of it, with whatever bytes were in there. */
  borrow(lengthBytes: number): Uint8Array {
    const pages = Math.max(1, Math.ceil(lengthBytes / pageBytes));
    const kept = this.#unused.get(pages)?.pop();
    if (kept !== undefined) this.#kept -= 1;
    const whole = kept ?? new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
    return whole.subarray(0, lengthBytes);
  }

  giveBack(piece: Uint8Array): void {
    if (this.#kept >= keptMemories) return;
    const whole = new Uint8Array(piece.buffer);
    const pages = whole.length / pageBytes;
    const unused = this.#unused.get(pages);
    if (unused === undefined) this.#unused.set(pages, [whole]);
    else unused.push(whole);
    this.#kept += 1;
  }
}
