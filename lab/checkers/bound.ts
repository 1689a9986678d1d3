import type { JournalLine } from '../../src/ports/journal.ts';
import type { Timings } from '../../src/protocol/types.ts';
import type { History } from '../history/events.ts';
import { hurtWindows, outside } from './fault-windows.ts';
import { inMs } from './instants.ts';

/** Promise (c) for one server that becomes active under one epoch, with what this run measured put in. */
export interface Bound {
  boundMs: number;
  /** The sum in words. */
  sum: string;
}

const MS = 1e6;

/**
 * D + T + 1.12 S + six round trips + the gate's drain + one q + the start of the service. Round trips, drain and start
 * are those of this very takeover, none of them longer than q; without a claim of its own a round trip is half of the
 * heartbeat cycle in the middle of all that no fault held up. Over iSCSI the data area is one of the six, a login and a
 * reservation though it is. Without D after a release that was seen (R8). Undefined
 * when no cycle was measured.
 */
export function promiseC(
  history: History,
  of: { server: string; epoch: number; skipsDeathWait: boolean },
): Bound | undefined {
  const timings = timingsOf(history);
  const roundTripMs = roundTrip(history);
  if (timings === undefined || roundTripMs === undefined) return undefined;
  const lines = history.journals.get(of.server) ?? [];
  const drainMs = drain(history, of.epoch);
  const area = isReserved(history) ? RESERVATION_REQUESTS : 1;
  const terms: [name: string, ms: number][] = [
    ...(of.skipsDeathWait ? [] : [['D', timings.intervalMs * timings.misses] as [string, number]]),
    ['T', timings.intervalMs],
    ['1.12 S', 1.12 * timings.settleMs],
    ['6 round trips', ownRoundTrips(lines, of.epoch, timings.deadlineMs, drainMs, area) ?? 6 * roundTripMs],
    ['drain', drainMs],
    ['q', timings.deadlineMs],
    ['start of the service', serviceStart(lines, of.epoch)],
  ];
  const boundMs = terms.reduce((sum, [, ms]) => sum + ms, 0);
  return { boundMs, sum: terms.map(([name, ms]) => `${name} ${inMs(ms)}`).join(' + ') };
}

export function timingsOf(history: History): Timings | undefined {
  return history.lab.find((event) => event.event === 'lab-started')?.timings;
}

/** D in milliseconds; undefined when the lab does not tell its timings. */
export function deathWaitMsOf(history: History): number | undefined {
  const timings = timingsOf(history);
  return timings === undefined ? undefined : timings.intervalMs * timings.misses;
}

/**
 * Why promise (c) was not owed between two instants: a request of this server failed, or a cycle, or a claim from its
 * decision on, took more than S.
 */
export function premiseBroken(
  history: History,
  server: string,
  fromT: number,
  toT: number,
): string | undefined {
  const settleMs = timingsOf(history)?.settleMs ?? Infinity;
  const lines = history.journals.get(server) ?? [];
  const blind = blindAt(lines, fromT);
  if (blind !== undefined) return `${server} could not read the quorum area: ${blind}`;
  for (const line of lines) {
    if (line.t < fromT || line.t > toT) continue;
    if (line.event === 'blind' && !line.healed)
      return `${server} could not read the quorum area: ${line.reason}`;
    if (line.event === 'access' && line.outcome === 'failed')
      return `${server} asked for the data area in vain: ${line.reason ?? 'no reason was told'}`;
    if (line.event === 'heartbeat-failed')
      return `a heartbeat's ${line.phase} of ${server} failed: ${line.reason}`;
    if (line.event === 'claim-abandoned' && !isBeaten(line))
      return `${server} left its claim of epoch ${line.epoch} (${line.rule}): ${line.reason}`;
    if (line.event === 'lease' && (line.writtenAt - line.startedAt) / MS > settleMs) {
      return `a heartbeat of ${server} took ${inMs((line.writtenAt - line.startedAt) / MS)}, more than S`;
    }
  }
  return undefined;
}

/** Why this server was blind at that instant already; undefined when it saw, or was not there. */
function blindAt(lines: readonly JournalLine[], t: number): string | undefined {
  let reason: string | undefined;
  for (const line of lines) {
    if (line.t >= t) break;
    if (line.event === 'agent-started') reason = undefined;
    if (line.event === 'blind') reason = line.healed ? undefined : line.reason;
  }
  return reason;
}

/** A claim that another one was written over, or that somebody asked to give up: nothing was too slow for that. */
function isBeaten({ rule, reason }: { rule: string; reason: string }): boolean {
  return rule === 'R8' || (rule === 'R4' && reason.startsWith('the record is '));
}

/**
 * What the data area takes over iSCSI in place of the one request that the gate answers: a login, and the commands by
 * which a reservation is taken, drained and seen.
 */
const RESERVATION_REQUESTS = 20;

function isReserved(history: History): boolean {
  return history.lab.some((event) => event.event === 'lab-started' && event.agent.fencing === 'reservation');
}

/**
 * The six requests between the decision and the start of the service: the claim; the settling read, the establishing
 * write and the read that confirms it; the data area; the read that verifies. Undefined when the journal lacks one.
 */
function ownRoundTrips(
  lines: readonly JournalLine[],
  epoch: number,
  qMs: number,
  drainMs: number,
  areaRequests: number,
): number | undefined {
  const own = lines.filter((line) => 'epoch' in line && line.epoch === epoch);
  const decided = own.find((line) => line.event === 'decided');
  const settling = own.find((line) => line.event === 'role' && line.to === 'settling');
  const active = own.find((line) => line.event === 'role' && line.to === 'active');
  const lease = own.find((line) => line.event === 'lease' && line.t >= (active?.t ?? Infinity));
  const access = (outcome: string) => own.find((line) => line.event === 'access' && line.outcome === outcome);
  const [granted, verified] = ['granted', 'verified'].map(access);
  // An attempt that failed was over when its request was: it is no part of the round trip.
  const asked = own.findLast(
    (line) => line.event === 'access' && line.outcome === 'obtaining' && line.t <= (granted?.t ?? 0),
  );
  if (!decided || !settling || lease?.event !== 'lease' || !active || !asked || !granted || !verified)
    return undefined;
  const between = (fromT: number, toT: number, requests: number) =>
    Math.min(requests * qMs, Math.max(0, (toT - fromT) / MS));
  return (
    between(decided.t, settling.t, 1) +
    between(lease.startedAt, active.t, 3) +
    between(asked.t + drainMs * MS, granted.t, areaRequests) +
    between(granted.t, verified.t, 1)
  );
}

/**
 * In the middle of all heartbeats that nothing held up, so that what a fault made slow does not stretch the bound it is
 * held against; and no request may take longer than q.
 */
function roundTrip(history: History): number | undefined {
  const qMs = timingsOf(history)?.deadlineMs ?? Infinity;
  const halves: number[] = [];
  for (const [server, lines] of history.journals) {
    const hurt = hurtWindows(history, server, 'storage');
    for (const line of lines) {
      if (
        line.event !== 'lease' ||
        outside(hurt, line.startedAt, line.writtenAt) < line.writtenAt - line.startedAt
      )
        continue;
      halves.push(Math.min(qMs, (line.writtenAt - line.startedAt) / 2 / MS));
    }
  }
  halves.sort((a, b) => a - b);
  return halves[Math.floor(halves.length / 2)];
}

function drain(history: History, epoch: number): number {
  const drained = history.audit.find((line) => line.event === 'drained' && line.epoch === epoch);
  return drained?.event === 'drained' ? drained.drainMs : 0;
}

/** Of the last start under this epoch that succeeded; 0 when the journal shows none. */
function serviceStart(lines: readonly JournalLine[], epoch: number): number {
  let startingT: number | undefined;
  let tookMs = 0;
  for (const line of lines) {
    if (line.event !== 'service' || line.epoch !== epoch) continue;
    if (line.phase === 'starting') startingT = line.t;
    if (line.phase === 'started' && startingT !== undefined) tookMs = (line.t - startingT) / MS;
  }
  return tookMs;
}
