import { Events } from './events.ts';
import { type Layout, layoutOf } from './layout.ts';
import type { ReportData, Span } from './model.ts';
import { type Series, seriesOf } from './series.ts';

/** Everything the timeline draws and can be asked about, made once from what the report was given. */
export interface Scene {
  data: ReportData;
  events: Events;
  layout: Layout;
  /** Kinds of appends and writes: the number of the server they are of, or one of these. */
  kinds: { unknown: number; refused: number; count: number };
  appends: Series;
  workers: Uint8Array;
  workerCount: number;
  /** What the lab noted, besides faults and takeovers; kinds are those of `labKinds`. */
  lab: Series;
  /** Heartbeats by server; `ends` is when each lease ends. */
  leases: ReadonlyMap<string, Leases>;
  writes: ReadonlyMap<string, Series>;
  refusals: ReadonlyMap<string, Series>;
  quorum: Series;
  grants: Uint32Array;
  /** Stretches in which two servers were active and within their leases. */
  conflicts: readonly Conflict[];
}

/** How a note of the lab is drawn: in passing, as expected, not as it has to be, or a stall of the host. */
export const labKinds = { passing: 0, met: 1, wrong: 2, stall: 3 } as const;

export interface Leases extends Series {
  readonly ends: Float64Array;
}

interface Conflict {
  servers: readonly [string, string];
  from: number;
  to: number;
}

export function sceneOf(data: ReportData): Scene {
  const events = new Events(data.events);
  const kinds = {
    unknown: data.servers.length,
    refused: data.servers.length + 1,
    count: data.servers.length + 2,
  };
  const serverOf = (i: number, field: string) => {
    const known = data.servers.indexOf(String(events.field(i, field)));
    return known < 0 ? kinds.unknown : known;
  };
  const outcomeOf = (i: number) => {
    const outcome = events.field(i, 'outcome');
    if (outcome === 'ok') return serverOf(i, 'server');
    return outcome === 'refused' ? kinds.refused : kinds.unknown;
  };
  const appends = seriesOf(events, events.of('client', 'append'), 'beganAt', outcomeOf);
  const workers = Uint8Array.from(appends.index, (i) => Number(events.field(i, 'worker')));
  const bySource = (make: (server: string) => Series) =>
    new Map(data.servers.map((server) => [server, make(server)] as const));
  const ofNode = (event: string, server: string) =>
    events.of('storage', event).filter((i) => events.field(i, 'node') === server);
  return {
    ...{ data, events, layout: layoutOf(data), kinds, appends, workers },
    workerCount: workers.reduce((most, worker) => Math.max(most, worker + 1), 1),
    lab: labNotes(events),
    leases: new Map(data.servers.map((server) => [server, leasesOf(events, server)])),
    writes: bySource((server) =>
      seriesOf(events, ofNode('write', server), 'beganAt', (i) =>
        events.field(i, 'outcome') === 'ok' ? serverOf(i, 'node') : kinds.unknown,
      ),
    ),
    refusals: bySource((server) => {
      const both = [...ofNode('refused', server), ...ofNode('write-refused', server)].sort((a, b) => a - b);
      return seriesOf(events, Uint32Array.from(both), '', () => kinds.refused);
    }),
    quorum: seriesOf(events, events.of('storage', 'quorum-write'), 'beganAt', (i) =>
      serverOf(i, 'record.node'),
    ),
    grants: events.of('storage', 'grant'),
    conflicts: conflictsOf(data),
  };
}

function labNotes(events: Events): Series {
  const names = [
    'expected',
    'healed',
    'serving-again',
    'takeover-missed',
    'order',
    'process-ended',
    'note',
    'stall',
  ];
  const index = Uint32Array.from(names.flatMap((name) => [...events.of('lab', name)])).sort();
  const series = seriesOf(events, index, '', (i) => {
    switch (events.event(i)) {
      case 'expected':
        return events.field(i, 'met') === true ? labKinds.met : labKinds.wrong;
      case 'takeover-missed':
        return labKinds.wrong;
      case 'process-ended':
        return events.field(i, 'wanted') === true ? labKinds.passing : labKinds.wrong;
      case 'stall':
        return labKinds.stall;
      default:
        return labKinds.passing;
    }
  });
  const from = series.from.map((at, n) =>
    series.kind[n] === labKinds.stall ? at - Number(events.field(index[n]!, 'gapMs')) * 1e6 : at,
  );
  return { ...series, from, longestNs: from.reduce((most, at, n) => Math.max(most, series.to[n]! - at), 0) };
}

function leasesOf(events: Events, server: string): Leases {
  const index = events.of(server, 'lease');
  const ends = Float64Array.from(index, (i) => Number(events.field(i, 'endsAt')));
  const series = seriesOf(events, index, 'startedAt', () => 0);
  return { ...series, ends };
}

function conflictsOf({ tracks }: ReportData): Conflict[] {
  const found: Conflict[] = [];
  for (const [n, one] of tracks.entries()) {
    for (const other of tracks.slice(n + 1)) {
      for (const a of one.active)
        for (const b of other.active) {
          const both = intersection(a, b);
          if (both !== undefined) found.push({ servers: [one.server, other.server], ...both });
        }
    }
  }
  return found;
}

function intersection(a: Span, b: Span): { from: number; to: number } | undefined {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  return from < to ? { from, to } : undefined;
}
