import type { Row } from '../timeline/layout.ts';
import type { Leases, Scene } from '../timeline/scene.ts';
import { density, type Series, touching } from '../timeline/series.ts';
import type { Pen } from './pen.ts';

/** More than this many at once, and appends are drawn as how many there were. */
const MOST_BARS = 700;
const BUCKET_PIXELS = 3;

/** Leases from the start of their heartbeat to their end (light), and a tick for each heartbeat. */
export function drawLeases(pen: Pen, row: Row, leases: Leases, colour: string): void {
  const { c, view } = pen;
  const { first, end } = touching(leases, view);
  let from = Infinity;
  let to = -Infinity;
  const flush = () => {
    if (to > from && pen.sees(from, to)) pen.bar(from, to, row.top, row.height, colour);
  };
  c.globalAlpha = 0.3;
  // A lease from before the view may still last in it.
  let n = first;
  while (n > 0 && leases.ends[n - 1]! > view.from) n -= 1;
  for (; n < end; n++) {
    if (leases.from[n]! > to) {
      flush();
      from = leases.from[n]!;
      to = leases.ends[n]!;
    } else to = Math.max(to, leases.ends[n]!);
  }
  flush();
  c.globalAlpha = 1;
}

/** Drawn over the stretches of activity, so that each heartbeat can be seen. */
export function drawHeartbeats(pen: Pen, row: Row, leases: Leases): void {
  const { first, end } = touching(leases, pen.view);
  if ((end - first) * 4 > pen.width) return;
  for (let n = first; n < end; n++)
    pen.line(leases.from[n]!, row.top + row.height - 5, row.top + row.height, pen.palette.text);
}

/** Each append from its beginning to its end, or how many there were where they are too many to tell apart. */
export function drawAppends(pen: Pen, row: Row, scene: Scene): void {
  const { first, end } = touching(scene.appends, pen.view);
  if (end - first <= MOST_BARS) drawEachAppend(pen, row, scene, first, end);
  else drawDensity(pen, row, scene);
}

function drawEachAppend(pen: Pen, row: Row, scene: Scene, first: number, end: number): void {
  const { appends, workers, workerCount, kinds } = scene;
  const { palette, c } = pen;
  const height = Math.max(2, Math.floor(row.height / workerCount) - 1);
  for (let n = first; n < end; n++) {
    const [from, to, kind] = [appends.from[n]!, appends.to[n]!, appends.kind[n]!];
    const top = row.top + Math.floor((workers[n]! * row.height) / workerCount);
    if (kind === kinds.unknown) {
      pen.bar(from, to, top, height, palette.hatch(palette.unknown, '/'), 3);
      pen.frame(from, to, top, height, palette.unknown);
      pen.label('? unknown', from, to, top, height, palette.text);
    } else if (kind === kinds.refused) {
      pen.frame(from, to, top, height, palette.violated);
      pen.label('x refused', from, to, top, height, palette.text);
    } else {
      // Pale while it waited, full where it was acknowledged: what waits for a takeover is no work being done.
      c.globalAlpha = 0.3;
      pen.bar(from, to, top, height, palette.server(kind));
      c.globalAlpha = 1;
      c.fillStyle = palette.server(kind);
      c.fillRect(pen.x(to) - 2, top, 2, height);
    }
  }
}

/** Upwards what was acknowledged, by server; downwards what was refused (outlined) or is unknown (striped). */
function drawDensity(pen: Pen, row: Row, { appends, kinds }: Scene): void {
  const { palette, view } = pen;
  const buckets = Math.ceil(pen.width / BUCKET_PIXELS);
  const counts = density(appends, view, buckets, kinds.count);
  let most = 1;
  for (let b = 0; b < buckets; b++)
    most = Math.max(
      most,
      counts.reduce((sum, each) => sum + each[b]!, 0),
    );
  const base = row.top + row.height * 0.74;
  const up = (row.height * 0.74) / most;
  const down = (row.height * 0.26) / Math.max(1, Math.log2(1 + most));
  for (let b = 0; b < buckets; b++) {
    let top = base;
    for (let kind = 0; kind < kinds.unknown; kind++) {
      const height = counts[kind]![b]! * up;
      if (height === 0) continue;
      top -= height;
      pen.c.fillStyle = palette.server(kind);
      pen.c.fillRect(b * BUCKET_PIXELS, top, BUCKET_PIXELS - 0.5, height);
    }
    let bottom = base + 1;
    for (const [kind, fill] of [
      [kinds.unknown, palette.unknown],
      [kinds.refused, palette.violated],
    ] as const) {
      const count = counts[kind]![b]!;
      if (count === 0) continue;
      const height = Math.max(3, Math.log2(1 + count) * down);
      pen.c.fillStyle = fill;
      pen.c.fillRect(b * BUCKET_PIXELS, bottom, BUCKET_PIXELS - 0.5, height);
      bottom += height;
    }
  }
  pen.c.fillStyle = palette.line;
  pen.c.fillRect(0, base, pen.width, 1);
}

/** Writes: as long as they took; those that share a pixel are drawn once. */
export function drawWrites(pen: Pen, row: Row, writes: Series, unknown: number): void {
  const { palette } = pen;
  const { first, end } = touching(writes, pen.view);
  let lastX = -Infinity;
  for (let n = first; n < end; n++) {
    const x = pen.x(writes.from[n]!);
    const failed = writes.kind[n] === unknown;
    if (x - lastX < 0.7 && !failed && writes.to[n]! - writes.from[n]! < 1e6) continue;
    lastX = x;
    if (failed)
      pen.bar(writes.from[n]!, writes.to[n]!, row.top, row.height, palette.hatch(palette.unknown, '/'), 3);
    else
      pen.bar(
        writes.from[n]!,
        writes.to[n]!,
        row.top + 3,
        row.height - 6,
        palette.server(writes.kind[n]!),
        1.2,
      );
  }
}

/** Refusals: a cross each. */
export function drawRefusals(pen: Pen, row: Row, refusals: Series): void {
  const { first, end } = touching(refusals, pen.view);
  const middle = row.top + row.height / 2;
  let lastX = -Infinity;
  for (let n = first; n < end; n++) {
    const x = pen.x(refusals.to[n]!);
    if (x - lastX < 3) continue;
    lastX = x;
    drawCross(pen, x, middle);
  }
}

/** What must not be, or was turned away. */
export function drawCross({ c, palette }: Pen, x: number, y: number): void {
  for (const [colour, width] of [
    [palette.ground, 5],
    [palette.violated, 2],
  ] as const) {
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(x - 4, y - 4);
    c.lineTo(x + 4, y + 4);
    c.moveTo(x + 4, y - 4);
    c.lineTo(x - 4, y + 4);
    c.stroke();
  }
}

/** Writes of the record: ownership high, a claim lower, anything else (headers, slots) lowest and without a colour. */
export function drawQuorum(pen: Pen, row: Row, { quorum, kinds, events }: Scene): void {
  const { first, end } = touching(quorum, pen.view);
  let lastX = -Infinity;
  let lastKind = -1;
  for (let n = first; n < end; n++) {
    const x = pen.x(quorum.from[n]!);
    const kind = quorum.kind[n]!;
    if (x - lastX < 0.7 && kind === lastKind) continue;
    [lastX, lastKind] = [x, kind];
    const isRecord = kind !== kinds.unknown;
    const share = !isRecord ? 0.35 : events.field(quorum.index[n]!, 'record.status') === 1 ? 1 : 0.65;
    const height = row.height * share;
    const colour = isRecord ? pen.palette.server(kind) : pen.palette.neutral;
    pen.bar(quorum.from[n]!, quorum.to[n]!, row.top + row.height - height, height, colour, 1.5);
  }
}
