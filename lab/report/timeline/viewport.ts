/** The stretch of time that is shown, within the whole of the run; nanoseconds since the lab began. */
export interface Viewport {
  readonly from: number;
  readonly to: number;
}

/** Closer than this there is nothing to see: an event has no width. */
const NARROWEST_NS = 20_000;

/** All of the run, with a little room on both sides so that nothing sticks to an edge. */
export function wholeRun(fromNs: number, toNs: number): Viewport {
  const room = Math.max(NARROWEST_NS, (toNs - fromNs) * 0.01);
  return { from: fromNs - room, to: toNs + room };
}

/** Narrower (`factor` < 1) or wider, with the instant `around` staying where it is. */
export function zoomed(view: Viewport, whole: Viewport, factor: number, around: number): Viewport {
  const width = clamp((view.to - view.from) * factor, NARROWEST_NS, whole.to - whole.from);
  const share = (around - view.from) / (view.to - view.from);
  return within({ from: around - share * width, to: around + (1 - share) * width }, whole);
}

/** Moved by `share` of what is shown: positive is later. */
export function moved(view: Viewport, whole: Viewport, share: number): Viewport {
  const by = (view.to - view.from) * share;
  return within({ from: view.from + by, to: view.to + by }, whole);
}

/** So that `from` to `to` is shown with as much again around it; at least `leastNs` are shown. */
export function around(whole: Viewport, from: number, to: number, leastNs: number): Viewport {
  const room = Math.max((leastNs - (to - from)) / 2, (to - from) * 0.3);
  return within({ from: from - room, to: to + room }, whole);
}

/** The same width, moved into the run; no wider than the run and no narrower than what can be seen. */
export function within(view: Viewport, whole: Viewport): Viewport {
  const width = clamp(view.to - view.from, NARROWEST_NS, whole.to - whole.from);
  const from = clamp(view.from, whole.from, whole.to - width);
  return { from, to: from + width };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
