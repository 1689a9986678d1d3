import type { Judgement } from '../checkers/check-all.ts';
import { operationsOf } from '../checkers/operations.ts';
import { takeoversOf } from '../checkers/takeovers.ts';
import type { ClientEvent, History, LabEvent } from '../history/events.ts';
import { endOfHistory } from '../history/leases.ts';
import { inColumns, type Row } from './columns.ts';
import { serverTracks } from './server-track.ts';
import { storageTrack } from './storage-track.ts';
import type { FaultBand, ReportData, TakeoverBar, Violation } from './timeline/model.ts';

/** What the page of a report draws, from a history and what the checkers made of it. */
export function reportData(history: History, judgement: Judgement): ReportData {
  const originT = originOf(history);
  const endT = Math.max(originT, endOfHistory(history));
  const rows = rowsOf(history);
  const first = rows.reduce((least, row) => Math.min(least, row.t), originT);
  return {
    version: 1,
    servers: [...history.journals.keys()],
    fromNs: first - originT,
    toNs: endT - originT,
    tracks: serverTracks(history, originT, endT),
    faults: faultBands(history.lab, originT),
    takeovers: takeoverBars(history, judgement, originT),
    storage: storageTrack(history.audit, history.lab, originT, endT),
    violations: violationsOf(judgement, originT),
    events: inColumns(rows, originT),
  };
}

/** The instant that evidence counts from (`+0.000 s`). */
export function originOf(history: History): number {
  return history.lab[0]?.t ?? history.audit[0]?.t ?? history.client[0]?.t ?? 0;
}

function rowsOf(history: History): Row[] {
  const rows: Row[] = history.lab.map((line) => row('lab', line));
  rows.push(...clientRows(history.client));
  for (const line of history.audit) rows.push(row('storage', line));
  for (const [server, lines] of history.journals) for (const line of lines) rows.push(row(server, line));
  return rows;
}

/** A line without what every line of its file says in the same way. */
function row(source: string, line: { t: number; event: string }): Row {
  const { t, event, v: _v, wall: _wall, ...fields } = line as typeof line & { v?: number; wall?: string };
  return { t, source, event, fields };
}

/** An append is one row, at its end; one that never ended stands where it began. */
function clientRows(client: readonly ClientEvent[]): Row[] {
  const begins = new Map<string, number>();
  const rows: Row[] = [];
  for (const line of client) {
    if (line.event === 'begin') begins.set(line.id, line.t);
    else if (line.event === 'end') {
      const { t, event: _event, ...fields } = line;
      rows.push({
        t,
        source: 'client',
        event: 'append',
        fields: { ...fields, beganAt: begins.get(line.id) ?? t },
      });
    } else rows.push(row('client', line));
  }
  for (const { id, beginT, endT } of operationsOf(client)) {
    if (endT !== Infinity) continue;
    const fields = {
      id,
      outcome: 'unknown',
      server: null,
      epoch: null,
      seq: null,
      beganAt: beginT,
      ended: false,
    };
    rows.push({ t: beginT, source: 'client', event: 'append', fields });
  }
  return rows;
}

function faultBands(lab: readonly LabEvent[], originT: number): FaultBand[] {
  const bands = new Map<number, { -readonly [K in keyof FaultBand]: FaultBand[K] } & { details: string[] }>();
  for (const event of lab) {
    if (event.event !== 'fault') continue;
    const at = event.t - originT;
    let band = bands.get(event.id);
    if (band === undefined) {
      const { id, fault, target } = event;
      const never = { effective: null, healed: null, recovered: null, failed: null };
      bands.set(id, (band = { id, fault, target, requested: at, ...never, details: [] }));
    }
    band[event.phase] = at;
    band.details.push(`${event.phase}: ${event.detail}`);
  }
  return [...bands.values()];
}

function takeoverBars(history: History, { failovers }: Judgement, originT: number): TakeoverBar[] {
  return takeoversOf(history).flatMap(({ from, sinceT, seen, missed }): TakeoverBar[] => {
    const since = sinceT - originT;
    if (seen !== undefined) {
      const boundMs = failovers.find(
        (f) => f.from === from && f.to === seen.to && f.epoch === seen.epoch,
      )?.boundMs;
      const until = seen.servingT - originT;
      return [{ from, to: seen.to, epoch: seen.epoch, since, until, boundMs: boundMs ?? null }];
    }
    if (missed === undefined) return [];
    return [{ from, to: null, epoch: 0, since, until: since + missed.waitedMs * 1e6, boundMs: null }];
  });
}

function violationsOf({ results }: Judgement, originT: number): Violation[] {
  return results
    .filter((result) => result.verdict === 'violated' && result.atT !== undefined)
    .map(({ checker, atT, evidence }) => ({ checker, at: atT! - originT, sentence: evidence[0] ?? '' }))
    .sort((a, b) => a.at - b.at);
}
