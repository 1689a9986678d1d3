import { type Events, firstNotBelow } from './events.ts';
import type { Value } from './model.ts';
import type { Viewport } from './viewport.ts';

/**
 * Many things of one kind (writes, appends, heartbeats): each has a beginning, an end at which it became an event, and
 * a class by which it is drawn.
 */
export interface Series {
  /** Numbers of the events. */
  readonly index: Uint32Array;
  readonly from: Float64Array;
  /** Ascending. */
  readonly to: Float64Array;
  readonly kind: Uint8Array;
  readonly longestNs: number;
}

/** `began`: the field with the beginning of each. `kindOf`: its class, 0 to 255. */
export function seriesOf(
  events: Events,
  index: Uint32Array,
  began: string,
  kindOf: (i: number) => number,
): Series {
  const from = new Float64Array(index.length);
  const to = new Float64Array(index.length);
  const kind = new Uint8Array(index.length);
  let longestNs = 0;
  for (let n = 0; n < index.length; n++) {
    const i = index[n]!;
    to[n] = events.at[i]!;
    from[n] = numberOr(events.field(i, began), to[n]!);
    kind[n] = kindOf(i);
    longestNs = Math.max(longestNs, to[n]! - from[n]!);
  }
  return { index, from, to, kind, longestNs };
}

/** Which of them touch the view: from `first` up to `end`, some in between perhaps not. */
export function touching(series: Series, view: Viewport): { first: number; end: number } {
  return {
    first: firstNotBelow(series.to, view.from),
    end: firstNotBelow(series.to, view.to + series.longestNs + 1),
  };
}

/** How many of each kind ended in each of `buckets` equal parts of the view: `counts[kind][bucket]`. */
export function density(series: Series, view: Viewport, buckets: number, kinds: number): Uint32Array[] {
  const counts = Array.from({ length: kinds }, () => new Uint32Array(buckets));
  const first = firstNotBelow(series.to, view.from);
  const end = firstNotBelow(series.to, view.to);
  const scale = buckets / (view.to - view.from);
  for (let n = first; n < end; n++) {
    const bucket = Math.min(buckets - 1, Math.floor((series.to[n]! - view.from) * scale));
    counts[Math.min(series.kind[n]!, kinds - 1)]![bucket]! += 1;
  }
  return counts;
}

function numberOr(value: Value, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
