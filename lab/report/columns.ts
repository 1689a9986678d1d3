import type { Column, EventGroup, EventTable, Value } from './timeline/model.ts';

/** One event on its way into a report. `t`, and the fields that are instants, are nanoseconds of the same clock. */
export interface Row {
  t: number;
  source: string;
  event: string;
  /** Everything else it says; objects in it are flattened to `record.epoch`. */
  fields: Readonly<Record<string, unknown>>;
}

/** The events in columns, in order of time; instants count from `originT`. The inverse is `timeline/events.ts`. */
export function inColumns(rows: readonly Row[], originT: number): EventTable {
  const sorted = [...rows].sort((a, b) => a.t - b.t);
  const groups = new Map<string, { source: string; event: string; rows: Row[]; number: number }>();
  const order: number[] = [];
  const dt: number[] = [];
  let last = originT;
  for (const row of sorted) {
    const key = JSON.stringify([row.source, row.event]);
    let group = groups.get(key);
    if (group === undefined) {
      group = { source: row.source, event: row.event, rows: [], number: groups.size };
      groups.set(key, group);
    }
    group.rows.push(row);
    order.push(group.number);
    dt.push(row.t - last);
    last = row.t;
  }
  return { groups: [...groups.values()].map(asGroup), order, dt };
}

function asGroup({ source, event, rows }: { source: string; event: string; rows: Row[] }): EventGroup {
  const flat = rows.map((row) => flattened(row.fields));
  const names = new Set(flat.flatMap((fields) => [...fields.keys()]));
  const columns = [...names].map((name): [string, Column] => {
    const values = flat.map((fields) => fields.get(name) ?? null);
    return [name, isInstant(name, values) ? agoOf(rows, values) : columnOf(values)];
  });
  return { source, event, columns };
}

/** Journals and audits name instants `...At`, the lab names them `...T`. */
function isInstant(name: string, values: readonly Value[]): boolean {
  return /(?:[a-z]At|[a-z]T)$/.test(name) && values.every((v) => v === null || typeof v === 'number');
}

function agoOf(rows: readonly Row[], values: readonly Value[]): Column {
  return { ago: values.map((value, i) => (typeof value === 'number' ? rows[i]!.t - value : null)) };
}

function columnOf(values: readonly Value[]): Column {
  const known = new Map<Value, number>();
  for (const value of values) if (!known.has(value)) known.set(value, known.size);
  if (known.size === 1) return { all: values[0]! };
  // Numbers are as short as their own numbers would be; a text that is told again and again is told once.
  if (known.size > values.length / 2 || values.every((v) => typeof v === 'number')) return { each: values };
  return { of: [...known.keys()], at: values.map((value) => known.get(value)!) };
}

function flattened(fields: Readonly<Record<string, unknown>>, prefix = ''): Map<string, Value> {
  const flat = new Map<string, Value>();
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) flat.set(prefix + name, value.join(', '));
    else if (typeof value === 'object' && value !== null) {
      for (const [inner, v] of flattened(value as Record<string, unknown>, `${prefix}${name}.`))
        flat.set(inner, v);
    } else if (value !== undefined) flat.set(prefix + name, value as Value);
  }
  return flat;
}
