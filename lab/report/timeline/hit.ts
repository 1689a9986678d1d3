import { duration, instant } from './axis.ts';
import { firstNotBelow } from './events.ts';
import type { Row } from './layout.ts';
import type { Span } from './model.ts';
import type { Scene } from './scene.ts';
import { sentence } from './sentences.ts';
import type { Series } from './series.ts';
import { endOf, faultInWords, takeoverInWords } from './words.ts';

/** What is at a place of the timeline, in words, and the event behind it where there is one. */
export interface Hit {
  title: string;
  lines: string[];
  event?: number;
}

/** What row `row` shows at the instant `t`; things within `slack` nanoseconds count, the nearest one wins. */
export function hitOf(scene: Scene, row: Row, t: number, slack: number): Hit | undefined {
  const { data } = scene;
  const track = data.tracks.find(({ server }) => server === row.server);
  switch (row.kind) {
    case 'fault':
      return faultHit(scene, row, t, slack);
    case 'takeover': {
      const found = data.takeovers.find((each) => each.since - slack <= t && t <= each.until + slack);
      return found && { title: 'takeover', lines: [takeoverInWords(found)] };
    }
    case 'lab':
      return eventHit(scene, [scene.lab], t, slack);
    case 'role':
      return spanHit(track?.roles ?? [], t, `${row.server}, role`);
    case 'service':
      return spanHit(track?.services ?? [], t, `${row.server}, service`);
    case 'lease':
      return (
        eventHit(scene, [scene.leases.get(row.server)], t, slack) ??
        spanHit(track?.active ?? [], t, row.server)
      );
    case 'append':
      return eventHit(scene, [scene.appends], t, slack);
    case 'gate':
      return gateHit(scene, t, slack);
    case 'quorum':
      return eventHit(scene, [scene.quorum], t, slack);
    case 'data':
      break;
  }
  const letIn = data.storage.letIn.find(({ server }) => server === row.server)?.spans ?? [];
  const both = [scene.refusals.get(row.server), scene.writes.get(row.server)];
  return eventHit(scene, both, t, slack) ?? spanHit(letIn, t, `${row.server}, data area`);
}

/** The event that ended or lasted nearest to `t`; of two as near, that of the earlier series. */
function eventHit(scene: Scene, all: (Series | undefined)[], t: number, slack: number): Hit | undefined {
  let best: { event: number; far: number } | undefined;
  for (const series of all) {
    if (series === undefined) continue;
    const first = firstNotBelow(series.to, t - slack);
    const until = t + slack + series.longestNs;
    for (let n = first; n < series.to.length && series.to[n]! <= until; n++) {
      const far = t < series.from[n]! ? series.from[n]! - t : Math.max(0, t - series.to[n]!);
      if (far <= slack && (best === undefined || far < best.far)) best = { event: series.index[n]!, far };
      if (best?.far === 0) break;
    }
  }
  return best && eventInWords(scene, best.event);
}

function eventInWords({ events }: Scene, i: number): Hit {
  const title = `${events.source(i)}, ${instant(events.at[i]!, 6)}`;
  return { title, lines: [sentence(events, i)], event: i };
}

function spanHit(spans: readonly Span[], t: number, title: string): Hit | undefined {
  const span = spans.find(({ from, to }) => from <= t && t < to);
  if (span === undefined) return undefined;
  const epoch = span.epoch === 0 ? '' : `, epoch ${span.epoch}`;
  const stretch = `${instant(span.from)} to ${instant(span.to)} (${duration(span.to - span.from)})`;
  return { title: `${title}: ${span.kind}${epoch}`, lines: [stretch, span.detail] };
}

function faultHit({ data, layout }: Scene, row: Row, t: number, slack: number): Hit | undefined {
  const found = data.faults.find(
    (f) => layout.faultRow.get(f.id) === row && f.requested - slack <= t && t <= endOf(f, data.toNs) + slack,
  );
  return (
    found && { title: faultInWords(found).split(':')[0]!, lines: [faultInWords(found), ...found.details] }
  );
}

function gateHit(scene: Scene, t: number, slack: number): Hit | undefined {
  const { grants, events, data } = scene;
  const near = [...grants].filter((i) => Math.abs(events.at[i]! - t) <= slack);
  const grant = near.sort((a, b) => Math.abs(events.at[a]! - t) - Math.abs(events.at[b]! - t))[0];
  if (grant !== undefined) return eventInWords(scene, grant);
  return spanHit(data.storage.held, t, 'storage') ?? spanHit(data.storage.gate, t, 'storage, gate');
}
