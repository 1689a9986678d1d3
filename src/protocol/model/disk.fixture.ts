import type { AreaReading, Header, NodeSlot, OwnershipRecord, Reading, Timings } from '../types.ts';

/** The shared disk: the quorum area in memory. Values stand for sectors; their JSON for the bytes. */
export class Disk {
  /** Told of every record that lands. */
  onRecord: (record: OwnershipRecord) => void = () => undefined;
  #timings: Timings;
  #header: Reading<Header>;
  #record: Reading<OwnershipRecord> = { kind: 'null', bytes: '' };
  readonly #slots: Reading<NodeSlot>[];

  constructor(timings: Timings, nodes: readonly string[]) {
    this.#timings = timings;
    this.#header = headerOf(timings, nodes.length);
    this.#slots = nodes.map((node) =>
      valid({ node, incarnation: '0'.repeat(32), counter: 0, role: 'none', epoch: 0 }),
    );
  }

  read(): AreaReading {
    return { header: this.#header, record: this.#record, slots: [...this.#slots] };
  }

  writeRecord(record: OwnershipRecord): void {
    this.#record = valid(record);
    this.onRecord(record);
  }

  get timings(): Timings {
    return this.#timings;
  }

  /** What no agent does. */
  wipe(): void {
    this.#record = { kind: 'null', bytes: '' };
  }

  damage(seed: number): void {
    this.#record = { kind: 'damaged', why: 'torn or corrupt', bytes: `damage ${seed}` };
  }

  layOut(timings: Timings): void {
    this.#timings = timings;
    this.#header = headerOf(timings, this.#slots.length);
  }

  writeSlot(index: number, slot: NodeSlot): void {
    this.#slots[index] = valid(slot);
  }
}

function headerOf(timings: Timings, slots: number): Reading<Header> {
  return valid({ clusterId: 'c'.repeat(32), sectorBytes: 512, slots, mode: 'plain', timings });
}

export function valid<T>(value: T): Reading<T> {
  return { kind: 'valid', value, bytes: JSON.stringify(value) };
}
