/** What is to happen, by time; what was put in first happens first among equals. A binary heap. */
export class Agenda {
  #heap: { at: number; order: number; act: () => void }[] = [];
  #order = 0;

  add(at: number, act: () => void): void {
    const heap = this.#heap;
    const item = { at, order: (this.#order += 1), act };
    let i = heap.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = item;
  }

  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  take(): { at: number; act: () => void } {
    const heap = this.#heap;
    const [top, last] = [heap[0]!, heap.pop()!];
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
