import { duration, instant } from './axis.ts';
import { firstNotBelow } from './events.ts';
import type { FaultBand, Span, TakeoverBar } from './model.ts';
import type { Scene } from './scene.ts';
import type { Series } from './series.ts';
import type { Viewport } from './viewport.ts';

/** One lane in words. */
export interface LaneInWords {
  lane: string;
  says: string[];
}

const MOST_SPANS = 40;

/** What the timeline draws between two instants, as text: its alternative for those who do not see it. */
export function inWords(scene: Scene, view: Viewport): LaneInWords[] {
  const { data } = scene;
  const spans = (list: readonly Span[], what: (span: Span) => string) =>
    limited(
      list
        .filter((s) => s.from < view.to && s.to > view.from)
        .map((s) => `${what(s)} ${stretch(s)}: ${s.detail}`),
    );
  const faults = data.faults.filter((f) => f.requested < view.to && endOf(f, data.toNs) > view.from);
  const takeovers = data.takeovers.filter((t) => t.since < view.to && t.until > view.from);
  const violations = data.violations.filter((v) => v.at >= view.from && v.at <= view.to);
  return [
    { lane: 'violations', says: violations.map((v) => `${v.checker} at ${instant(v.at)}: ${v.sentence}`) },
    { lane: 'faults', says: limited(faults.map(faultInWords)) },
    { lane: 'takeovers', says: limited(takeovers.map(takeoverInWords)) },
    ...data.tracks.map(({ server, roles, active, services }) => ({
      lane: server,
      says: [
        ...spans(roles, (s) => `role ${s.kind}${epochOf(s)}`),
        ...spans(active, (s) => `lease${epochOf(s)}`),
        ...spans(services, (s) => `service ${s.kind}${epochOf(s)}`),
      ],
    })),
    { lane: 'client', says: [clientInWords(scene, view)] },
    {
      lane: 'storage',
      says: [
        ...spans(data.storage.gate, () => 'gate up'),
        ...spans(data.storage.held, () => 'write held'),
        ...data.storage.letIn.flatMap(({ server, spans: list }) =>
          spans(list, (s) => `${server} in the data area${epochOf(s)}`),
        ),
        ...data.servers.map((server) => writesInWords(scene, view, server)),
      ],
    },
  ];
}

function clientInWords({ data, appends, kinds }: Scene, view: Viewport): string {
  const of = (kind: number) => countIn(appends, view, (each) => each === kind);
  const by = data.servers.map((server, kind) => `${of(kind)} by ${server}`).join(', ');
  return `appends that ended: acknowledged ${by}; refused ${of(kinds.refused)}; unknown ${of(kinds.unknown)}`;
}

function writesInWords({ writes, refusals }: Scene, view: Viewport, server: string): string {
  const count = (series: Series | undefined) =>
    series === undefined ? 0 : countIn(series, view, () => true);
  return `${server}: writes ${count(writes.get(server))}, refusals ${count(refusals.get(server))}`;
}

function countIn(series: Series, view: Viewport, counts: (kind: number) => boolean): number {
  const first = firstNotBelow(series.to, view.from);
  return series.kind.subarray(first, firstNotBelow(series.to, view.to)).filter(counts).length;
}

export function faultInWords(f: FaultBand): string {
  const phases = (['requested', 'effective', 'healed', 'recovered', 'failed'] as const)
    .filter((phase) => f[phase] !== null)
    .map((phase) => `${phase} ${instant(f[phase]!)}`);
  return `fault ${f.id}, ${f.fault} on ${f.target}: ${phases.join(', ')}`;
}

export function takeoverInWords(t: TakeoverBar): string {
  const took = duration(t.until - t.since);
  if (t.to === null) return `nobody took over from ${t.from} within ${took}`;
  const bound = t.boundMs === null ? 'no bound was measured' : `bound ${duration(t.boundMs * 1e6)}`;
  return `${t.to} took over from ${t.from} (epoch ${t.epoch}) in ${took}, ${bound}`;
}

/** When the last of the fault was seen. */
export function endOf(f: FaultBand, toNs: number): number {
  return f.recovered ?? f.healed ?? f.failed ?? toNs;
}

function stretch({ from, to }: Span): string {
  return `from ${instant(from)} to ${instant(to)} (${duration(to - from)})`;
}

function epochOf({ epoch }: Span): string {
  return epoch === 0 ? '' : ` (epoch ${epoch})`;
}

function limited(sentences: string[]): string[] {
  if (sentences.length <= MOST_SPANS) return sentences;
  return [
    ...sentences.slice(0, MOST_SPANS),
    `and ${sentences.length - MOST_SPANS} more; zoom in to see them`,
  ];
}
