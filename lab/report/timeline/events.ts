import type { Column, EventGroup, EventTable, Value } from './model.ts';

/** The events of a report, by their number in order of time. The inverse of the columns they were written in. */
export class Events {
  readonly length: number;
  /** When, nanoseconds since the lab began; ascending. */
  readonly at: Float64Array;
  readonly #groups: readonly EventGroup[];
  readonly #groupOf: Uint16Array;
  readonly #rowOf: Uint32Array;
  /** The numbers of each group's events, ascending. */
  readonly #members: Uint32Array[];

  constructor(table: EventTable) {
    this.length = table.order.length;
    this.at = new Float64Array(this.length);
    this.#groups = table.groups;
    this.#groupOf = Uint16Array.from(table.order);
    this.#rowOf = new Uint32Array(this.length);
    const counts = new Uint32Array(table.groups.length);
    for (const group of table.order) counts[group]! += 1;
    this.#members = Array.from(counts, (count) => new Uint32Array(count));
    counts.fill(0);
    let t = 0;
    for (let i = 0; i < this.length; i++) {
      const group = this.#groupOf[i]!;
      const row = counts[group]!;
      counts[group] = row + 1;
      t += table.dt[i]!;
      this.at[i] = t;
      this.#rowOf[i] = row;
      this.#members[group]![row] = i;
    }
  }

  source(i: number): string {
    return this.#groups[this.#groupOf[i]!]!.source;
  }

  event(i: number): string {
    return this.#groups[this.#groupOf[i]!]!.event;
  }

  /** Everything the event says besides, in the order of its file. Instants are nanoseconds since the lab began. */
  fields(i: number): [name: string, value: Value][] {
    const group = this.#groups[this.#groupOf[i]!]!;
    return group.columns.map(([name, column]) => [name, this.#value(column, i)]);
  }

  field(i: number, name: string): Value {
    for (const [each, column] of this.#groups[this.#groupOf[i]!]!.columns)
      if (each === name) return this.#value(column, i);
    return null;
  }

  /** The field is an instant: nanoseconds since the lab began. */
  isInstant(i: number, name: string): boolean {
    const column = this.#groups[this.#groupOf[i]!]!.columns.find(([each]) => each === name)?.[1];
    return column !== undefined && 'ago' in column;
  }

  /** The numbers of all events of this source and name. */
  of(source: string, event: string): Uint32Array {
    const group = this.#groups.findIndex((each) => each.source === source && each.event === event);
    return this.#members[group] ?? new Uint32Array(0);
  }

  /** Number of the first event at or after `t`; `length` when there is none. */
  firstAt(t: number): number {
    return firstNotBelow(this.at, t);
  }

  #value(column: Column, i: number): Value {
    const row = this.#rowOf[i]!;
    if ('all' in column) return column.all;
    if ('each' in column) return column.each[row]!;
    if ('of' in column) return column.of[column.at[row]!]!;
    const ago = column.ago[row]!;
    return ago === null ? null : this.at[i]! - ago;
  }
}

/** Where `value` would be put into ascending `values`, before its equals. */
export function firstNotBelow(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
