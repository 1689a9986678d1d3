import type { AreaReading, Header, NodeSlot, OwnershipRecord, Reading } from '../types.ts';

/** The shared disk: the quorum area in memory. Values stand for sectors; their JSON for the bytes. */
export class Disk {
  readonly #header: Reading<Header>;
  #record: Reading<OwnershipRecord> = { kind: 'null', bytes: '' };
  readonly #slots: Reading<NodeSlot>[];

  constructor(header: Header, nodes: readonly string[]) {
    this.#header = valid(header);
    this.#slots = nodes.map((node) =>
      valid({ node, incarnation: '0'.repeat(32), counter: 0, role: 'none', epoch: 0 }),
    );
  }

  read(): AreaReading {
    return { header: this.#header, record: this.#record, slots: [...this.#slots] };
  }

  writeRecord(record: OwnershipRecord): void {
    this.#record = valid(record);
  }

  /** What no agent does. */
  wipe(): void {
    this.#record = { kind: 'null', bytes: '' };
  }

  damage(seed: number): void {
    this.#record = { kind: 'damaged', why: 'torn or corrupt', bytes: `damage ${seed}` };
  }

  writeSlot(index: number, slot: NodeSlot): void {
    this.#slots[index] = valid(slot);
  }
}

export function valid<T>(value: T): Reading<T> {
  return { kind: 'valid', value, bytes: JSON.stringify(value) };
}
