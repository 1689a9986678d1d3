import type { AreaReading, Header, NodeSlot, OwnershipRecord, Timings } from '../types.ts';
import { headerReading, readRecord, readSlot, readTimings, validReading } from './notation.fixture.ts';

/** What stands in the quorum area of a trace. */
export class TraceDisk {
  area: AreaReading;
  readonly #timings: Timings;

  constructor(timings: Timings, nodes: readonly string[]) {
    this.#timings = timings;
    this.area = {
      header: headerReading(timings, nodes.length, 'plain'),
      record: readRecord('null'),
      slots: nodes.map((node) => readSlot(`${node}:0 none e0 #0`)),
    };
  }

  /** `record owned b e2 #7`, `slot 1 b owner e2 #3`, `header T=900`, `header caw`, `header null`. */
  put(what: string): void {
    const [part, rest] = halves(what);
    if (part === 'record') this.area = { ...this.area, record: readRecord(rest) };
    else if (part === 'header') this.area = { ...this.area, header: this.#headerOf(rest) };
    else if (part === 'slot') {
      const [index, slot] = halves(rest);
      this.#putSlot(Number(index), readSlot(slot));
    } else throw new Error(`the disk has no ${part}`);
  }

  writeRecord(record: OwnershipRecord): void {
    this.area = { ...this.area, record: validReading(record) };
  }

  writeSlot(index: number, slot: NodeSlot): void {
    this.#putSlot(index, validReading(slot));
  }

  #putSlot(index: number, slot: AreaReading['slots'][number]): void {
    this.area = { ...this.area, slots: this.area.slots.map((former, i) => (i === index ? slot : former)) };
  }

  #headerOf(text: string): AreaReading['header'] {
    if (text === 'null') return { kind: 'null', bytes: '' };
    if (text === 'damaged') return { kind: 'damaged', why: 'CRC32C does not match', bytes: text };
    const mode: Header['mode'] = text === 'caw' ? 'caw' : 'plain';
    const timings = text === 'caw' ? this.#timings : readTimings(text, this.#timings);
    return headerReading(timings, this.area.slots.length, mode);
  }
}

export function halves(text: string): [string, string] {
  const at = text.indexOf(' ');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
