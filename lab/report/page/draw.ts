import { ticks } from '../timeline/axis.ts';
import { AXIS_HEIGHT, type Row } from '../timeline/layout.ts';
import { labKinds, type Scene } from '../timeline/scene.ts';
import { touching } from '../timeline/series.ts';
import type { Viewport } from '../timeline/viewport.ts';
import { drawFault, drawSpans, drawTakeovers, tintLane } from './draw-bars.ts';
import {
  drawAppends,
  drawCross,
  drawHeartbeats,
  drawLeases,
  drawQuorum,
  drawRefusals,
  drawWrites,
} from './draw-series.ts';
import { Pen } from './pen.ts';

/** What is drawn besides the history itself. */
export interface Marks {
  selectedAt: number | undefined;
  /** A stretch that is being chosen with the pointer. */
  chosen: Viewport | undefined;
}

/** Draws all lanes for one view. */
export function drawTimeline(canvas: HTMLCanvasElement, scene: Scene, view: Viewport, marks: Marks): void {
  const { data, layout } = scene;
  const pen = new Pen(canvas, layout.height, view);
  for (const lane of layout.lanes) {
    pen.c.fillStyle = pen.palette.band;
    pen.c.fillRect(0, lane.top - 3, pen.width, lane.height + 6);
  }
  drawAxis(pen, layout.height);
  for (const fault of data.faults) {
    const lane = layout.lanes.find(({ name }) => name === fault.target);
    if (lane !== undefined) tintLane(pen, fault, data.toNs, lane.top - 3, lane.height + 6);
    drawFault(pen, layout.faultRow.get(fault.id)!, fault, data.toNs);
  }
  // Below what happened, and faintly above it: a mark must not hide the very thing that it marks.
  drawMarks(pen, scene, marks);
  for (const row of layout.rows) drawRow(pen, row, scene);
  drawConflicts(pen, scene);
  pen.c.globalAlpha = 0.4;
  drawMarks(pen, scene, marks);
  pen.c.globalAlpha = 0.15;
  if (marks.chosen !== undefined)
    pen.bar(marks.chosen.from, marks.chosen.to, 0, layout.height, pen.palette.text);
  pen.c.globalAlpha = 1;
}

function drawRow(pen: Pen, row: Row, scene: Scene): void {
  const { data } = scene;
  const { palette } = pen;
  const colour = palette.server(data.servers.indexOf(row.server));
  const track = data.tracks.find(({ server }) => server === row.server);
  switch (row.kind) {
    case 'takeover':
      return drawTakeovers(pen, row, scene);
    case 'lab':
      return drawNotes(pen, row, scene);
    case 'role':
      return drawSpans(pen, row, track?.roles ?? [], colour);
    case 'service':
      return drawSpans(pen, row, track?.services ?? [], colour);
    case 'lease': {
      const leases = scene.leases.get(row.server)!;
      drawLeases(pen, row, leases, colour);
      for (const span of track?.active ?? []) {
        if (!pen.sees(span.from, span.to)) continue;
        pen.bar(span.from, span.to, row.top, row.height, colour);
        const text = span.epoch > 0 ? `lease, epoch ${span.epoch}` : 'active, no lease';
        pen.label(text, span.from, span.to, row.top, row.height, palette.on(colour));
      }
      return drawHeartbeats(pen, row, leases);
    }
    case 'append':
      return drawAppends(pen, row, scene);
    case 'gate':
      return drawGate(pen, row, scene);
    case 'quorum':
      return drawQuorum(pen, row, scene);
    case 'data': {
      const letIn = data.storage.letIn.find(({ server }) => server === row.server)?.spans ?? [];
      for (const span of letIn) {
        if (!pen.sees(span.from, span.to)) continue;
        pen.c.globalAlpha = 0.25;
        pen.bar(span.from, span.to, row.top, row.height, colour);
        pen.c.globalAlpha = 1;
        pen.frame(span.from, span.to, row.top, row.height, colour);
      }
      drawWrites(pen, row, scene.writes.get(row.server)!, scene.kinds.unknown);
      return drawRefusals(pen, row, scene.refusals.get(row.server)!);
    }
    case 'fault': // faults are drawn with the lanes they hit
  }
}

/** Signs: a filled dot as expected, a cross not so, a square in passing; a stall of the host is a dotted bar. */
function drawNotes(pen: Pen, row: Row, { lab }: Scene): void {
  const { c, palette } = pen;
  const middle = row.top + row.height / 2;
  const { first, end } = touching(lab, pen.view);
  for (let n = first; n < end; n++) {
    const x = pen.x(lab.to[n]!);
    if (lab.kind[n] === labKinds.stall) {
      pen.bar(lab.from[n]!, lab.to[n]!, row.top, row.height, palette.hatch(palette.unknown, '.'), 2);
      continue;
    }
    if (lab.kind[n] === labKinds.wrong) {
      drawCross(pen, x, middle);
      continue;
    }
    c.fillStyle = lab.kind[n] === labKinds.met ? palette.valid : palette.neutral;
    c.beginPath();
    if (lab.kind[n] === labKinds.met) c.arc(x, middle, 4.5, 0, 2 * Math.PI);
    else c.rect(x - 3, middle - 3, 6, 6);
    c.fill();
  }
}

function drawGate(pen: Pen, row: Row, { data, events, grants }: Scene): void {
  const { palette, c } = pen;
  for (const span of data.storage.gate) {
    pen.frame(span.from, span.to, row.top, row.height, palette.line);
    pen.label('', span.from, span.to, row.top, row.height, palette.faint);
  }
  for (const span of data.storage.held) {
    pen.bar(span.from, span.to, row.top, row.height, palette.hatch(palette.fault, '/'), 2);
    pen.label('a write is held', span.from, span.to, row.top, row.height, palette.text, palette.ground);
  }
  for (const [n, i] of grants.entries()) {
    const at = events.at[i]!;
    if (!pen.sees(at, at)) continue;
    const x = pen.x(at);
    const colour = palette.server(data.servers.indexOf(String(events.field(i, 'node'))));
    c.fillStyle = colour;
    c.beginPath();
    c.moveTo(x - 5, row.top + 2);
    c.lineTo(x + 5, row.top + 2);
    c.lineTo(x, row.top + row.height - 1);
    c.fill();
    const next = grants[n + 1];
    const until = next === undefined ? Infinity : pen.x(events.at[next]!) - 6;
    pen.note(
      `grant ${String(events.field(i, 'epoch'))}`,
      x + 7,
      until,
      row.top + row.height / 2,
      palette.text,
    );
  }
}

function drawAxis(pen: Pen, bottom: number): void {
  const { c, palette, view } = pen;
  for (const { at, label } of ticks(view, pen.width / 110)) {
    pen.line(at, AXIS_HEIGHT - 6, bottom, palette.line);
    c.fillStyle = palette.faint;
    const x = pen.x(at);
    const width = c.measureText(label).width;
    c.fillText(label, Math.min(Math.max(2, x - width / 2), pen.width - width - 2), 10);
  }
}

/** Two servers active at once: striped over both, and said. */
function drawConflicts(pen: Pen, { conflicts, layout }: Scene): void {
  const { palette } = pen;
  for (const { servers, from, to } of conflicts) {
    if (!pen.sees(from, to)) continue;
    for (const row of layout.rows) {
      if (row.kind !== 'lease' || !servers.includes(row.server)) continue;
      pen.bar(from, to, row.top - 1, row.height + 2, palette.ground);
      pen.bar(from, to, row.top - 1, row.height + 2, palette.hatch(palette.violated, '\\'), 2);
      pen.frame(from, to, row.top - 1, row.height + 2, palette.violated);
      const room = pen.c.measureText('two active').width;
      const left = Math.max(0, pen.x(from)) + 4;
      if (Math.min(pen.width, pen.x(to)) - left < room + 6) continue;
      pen.c.fillStyle = palette.ground;
      pen.c.fillRect(left - 2, row.top, room + 4, row.height);
      pen.label('two active', from, to, row.top, row.height, palette.violated);
    }
  }
}

function drawMarks(pen: Pen, { data, layout }: Scene, marks: Marks): void {
  const { palette, c } = pen;
  for (const { at } of data.violations) {
    if (!pen.sees(at, at)) continue;
    pen.line(at, AXIS_HEIGHT - 4, layout.height, palette.violated, [5, 3], 2);
    const x = pen.x(at);
    c.fillStyle = palette.violated;
    c.beginPath();
    c.moveTo(x - 6, AXIS_HEIGHT - 12);
    c.lineTo(x + 7, AXIS_HEIGHT - 12);
    c.lineTo(x + 0.5, AXIS_HEIGHT);
    c.fill();
  }
  const { selectedAt } = marks;
  const isMarked = data.violations.some(({ at }) => at === selectedAt);
  if (selectedAt !== undefined && !isMarked && pen.sees(selectedAt, selectedAt))
    pen.line(selectedAt, AXIS_HEIGHT - 6, layout.height, palette.text, [], 1.5);
}
