import type { ClientEvent, History, TakeoverSince } from '../history/events.ts';
import { promiseC } from './bound.ts';

/** One takeover as the lab awaited it. `seen` and `missed` are both absent when the run ended before either. */
export interface Takeover {
  from: string;
  sinceT: number;
  skipsDeathWait: boolean;
  /** What happened then. */
  since: TakeoverSince;
  seen?: { to: string; epoch: number; servingT: number };
  missed?: { waitedMs: number };
}

/** How long one takeover took; what a report shows. */
export interface FailoverTimes {
  from: string;
  to: string;
  epoch: number;
  /** From the fault (or the release, or the end of a pause) to the new owner's service. */
  faultToServingMs: number;
  /** Longest time without an acknowledged append, as the client saw it; null when none came before or after. */
  clientGapMs: number | null;
  /** Promise (c) with what was measured; null when nothing was. */
  boundMs: number | null;
}

/** The takeovers of a history, in the order in which they were awaited. */
export function takeoversOf(history: History): Takeover[] {
  const takeovers: Takeover[] = [];
  for (const event of history.lab) {
    if (event.event === 'takeover-awaited') {
      const { from, sinceT, skipsDeathWait } = event;
      const since = event.since ?? (skipsDeathWait ? 'release' : 'fault');
      takeovers.push({ from, sinceT, skipsDeathWait, since });
    }
    if (event.event !== 'takeover-seen' && event.event !== 'takeover-missed') continue;
    let takeover = takeovers.findLast((each) => each.from === event.from && each.sinceT === event.sinceT);
    if (takeover === undefined) {
      takeover = { from: event.from, sinceT: event.sinceT, skipsDeathWait: false, since: 'fault' };
      takeovers.push(takeover);
    }
    if (event.event === 'takeover-missed') takeover.missed = { waitedMs: event.waitedMs };
    else takeover.seen = { to: event.to, epoch: event.epoch, servingT: event.servingT };
  }
  return takeovers;
}

export function failoverTimes(history: History): FailoverTimes[] {
  return takeoversOf(history).flatMap(({ from, sinceT, skipsDeathWait, seen }) => {
    if (seen === undefined) return [];
    const { to, epoch, servingT } = seen;
    const bound = promiseC(history, { server: to, epoch, skipsDeathWait });
    const faultToServingMs = (servingT - sinceT) / 1e6;
    const clientGapMs = clientGap(history.client, { to, epoch, sinceT });
    return [{ from, to, epoch, faultToServingMs, clientGapMs, boundMs: bound?.boundMs ?? null }];
  });
}

/** From the last append acknowledged by anybody else to the first one acknowledged by the new owner. */
function clientGap(
  client: readonly ClientEvent[],
  of: { to: string; epoch: number; sinceT: number },
): number | null {
  const acknowledged = client.filter((event) => event.event === 'end' && event.outcome === 'ok');
  const byNew = (event: ClientEvent) =>
    event.event === 'end' && event.server === of.to && event.epoch === of.epoch;
  const first = acknowledged.find((event) => event.t > of.sinceT && byNew(event));
  const last = acknowledged.findLast((event) => first !== undefined && event.t < first.t && !byNew(event));
  return first === undefined || last === undefined ? null : (first.t - last.t) / 1e6;
}
