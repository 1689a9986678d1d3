import { duration } from '../timeline/axis.ts';
import type { Row } from '../timeline/layout.ts';
import type { FaultBand, Span } from '../timeline/model.ts';
import type { Scene } from '../timeline/scene.ts';
import { endOf } from '../timeline/words.ts';
import type { Pen } from './pen.ts';

/** Roles and phases of the service: what is filled is in force, what is striped is on its way, an outline waits. */
export function drawSpans(pen: Pen, row: Row, spans: readonly Span[], colour: string): void {
  const { palette } = pen;
  for (const span of spans) {
    if (!pen.sees(span.from, span.to)) continue;
    const { from, to, kind } = span;
    const solid = kind === 'active' || kind === 'started' || kind === 'up';
    if (solid) pen.bar(from, to, row.top, row.height, colour);
    else if (/claiming|settling|^starting$/.test(kind) && row.kind !== 'role')
      striped(pen, row, span, colour, '/');
    else if (/claiming|settling/.test(kind)) striped(pen, row, span, colour, '/');
    else if (/stopping|releasing/.test(kind)) striped(pen, row, span, colour, '\\');
    else if (kind === 'starting') striped(pen, row, span, palette.faint, '.');
    else {
      pen.bar(from, to, row.top, row.height, palette.band);
      pen.frame(from, to, row.top, row.height, palette.line);
    }
    const text = kind === 'active' && span.epoch > 0 ? `${kind} (epoch ${span.epoch})` : kind;
    const onStripes = solid || kind === 'standby' ? '' : palette.ground;
    pen.label(text, from, to, row.top, row.height, solid ? palette.on(colour) : palette.text, onStripes);
  }
}

function striped(pen: Pen, row: Row, { from, to }: Span, colour: string, kind: '/' | '\\' | '.'): void {
  pen.bar(from, to, row.top, row.height, pen.palette.ground);
  pen.bar(from, to, row.top, row.height, pen.palette.hatch(colour, kind), 2);
  pen.frame(from, to, row.top, row.height, colour);
}

/** A fault in its row: asked for (outline), in force (filled), healed and not yet recovered (dotted). */
export function drawFault(pen: Pen, row: Row, fault: FaultBand, toNs: number): void {
  const { palette } = pen;
  const end = endOf(fault, toNs);
  if (!pen.sees(fault.requested, end)) return;
  const effective = fault.effective ?? fault.healed ?? end;
  const healed = fault.healed ?? end;
  pen.bar(fault.requested, effective, row.top, row.height, palette.hatch(palette.fault, '/'), 2);
  if (fault.effective !== null) pen.bar(effective, healed, row.top, row.height, palette.fault, 2);
  if (fault.recovered !== null)
    pen.bar(healed, fault.recovered, row.top, row.height, palette.hatch(palette.fault, '.'));
  pen.frame(fault.requested, end, row.top, row.height, palette.fault);
  const colour = fault.effective === null ? palette.text : palette.on(palette.fault);
  const text = `${fault.failed === null ? '' : 'FAILED: '}${fault.fault} ${fault.target}`;
  pen.label(text, fault.effective ?? fault.requested, healed, row.top, row.height, colour);
}

/** The fault again, behind the lane of what it hit. */
export function tintLane(pen: Pen, fault: FaultBand, toNs: number, top: number, height: number): void {
  const end = endOf(fault, toNs);
  if (!pen.sees(fault.requested, end)) return;
  const { c, palette } = pen;
  const effective = fault.effective ?? end;
  const healed = fault.healed ?? end;
  c.globalAlpha = 0.16;
  pen.bar(effective, healed, top, height, palette.fault);
  c.globalAlpha = 0.28;
  pen.bar(fault.requested, effective, top, height, palette.hatch(palette.fault, '/'), 0);
  if (fault.recovered !== null)
    pen.bar(healed, fault.recovered, top, height, palette.hatch(palette.fault, '.'));
  c.globalAlpha = 1;
  for (const at of [effective, healed])
    if (pen.sees(at, at) && at !== toNs) pen.line(at, top, top + height, palette.fault);
}

/** From the fault to the new owner's service, and the bound it is held against. */
export function drawTakeovers(pen: Pen, row: Row, { data }: Scene): void {
  const { palette, c } = pen;
  for (const [n, takeover] of data.takeovers.entries()) {
    const { since, until: served, boundMs, to, from } = takeover;
    const bound = boundMs === null ? served : since + boundMs * 1e6;
    if (!pen.sees(since, Math.max(served, bound))) continue;
    const colour = to === null ? palette.violated : palette.server(data.servers.indexOf(to));
    const middle = row.top + row.height / 2;
    pen.line(since, row.top, row.top + row.height, palette.text);
    c.fillStyle = palette.line;
    c.fillRect(pen.x(since), middle - 1, pen.x(Math.max(bound, served)) - pen.x(since), 2);
    pen.bar(since, served, row.top + 2, row.height - 4, colour, 2);
    if (boundMs !== null) pen.line(bound, row.top, row.top + row.height, palette.text, [3, 2]);
    const took = duration(served - since);
    const text =
      to === null ? `nobody took over within ${took}` : `${took} (${from} to ${to}, epoch ${takeover.epoch})`;
    pen.label(text, since, served, row.top, row.height, palette.on(colour));
    const next = data.takeovers[n + 1];
    const until = next === undefined ? Infinity : pen.x(next.since);
    if (boundMs !== null)
      // Beside the bar, where that is the longer of the two.
      pen.note(
        `bound ${duration(boundMs * 1e6)}`,
        pen.x(Math.max(bound, served)) + 5,
        until,
        middle,
        palette.faint,
      );
  }
}
