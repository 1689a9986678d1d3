import type { Checker, History } from '../history/events.ts';
import { deathWaitMsOf, premiseBroken, promiseC } from './bound.ts';
import { faultsOf, outside } from './fault-windows.ts';
import { Findings } from './findings.ts';
import { inMs, type Instants, instantsOf } from './instants.ts';
import { hostStalled } from './stalls.ts';
import { unproved } from './takeover-evidence.ts';
import { type Takeover, takeoversOf } from './takeovers.ts';

/** Promise (c): a takeover takes no longer than the protocol says. */
export const takeoverBound: Checker = (history) => {
  const findings = new Findings(
    'takeover-bound',
    'every takeover was over within D + T + 1.12 S + six round trips + drain + q + start of the service',
  );
  const instants = instantsOf(history);
  const takeovers = takeoversOf(history);
  for (const takeover of takeovers) {
    if (takeover.seen !== undefined) judgeSeen(findings, history, instants, takeover, takeover.seen);
    else if (takeover.missed !== undefined)
      judgeMissed(findings, history, instants, takeover, takeover.missed);
    else findings.unknown(`the run ended while a takeover from ${takeover.from} was awaited`);
  }
  findings.count({ takeovers: takeovers.filter((each) => each.seen !== undefined).length });
  return findings.result('no takeover was awaited');
};

const SINCE = {
  fault: (from: string) => `${from} was hit`,
  release: (from: string) => `${from} had released`,
  resume: (from: string) => `the pause over the dead ${from} was lifted`,
};

/** Promise (c) is about a storage node that answers: the time for which a fault had ended it is not part of it. */
function storageDownMs(history: History, fromT: number, toT: number): number {
  const down = faultsOf(history)
    .filter(({ fault, effective }) => fault === 'storage-kill' && effective !== undefined)
    .map(({ first, healed }) => ({ fromT: first.t, toT: healed?.t ?? toT }));
  return (toT - fromT - outside(down, fromT, toT)) / 1e6;
}

function judgeSeen(
  findings: Findings,
  history: History,
  { at }: Instants,
  takeover: Takeover,
  { to, epoch, servingT }: { to: string; epoch: number; servingT: number },
): void {
  const { from, sinceT, since, skipsDeathWait } = takeover;
  const took = (servingT - sinceT) / 1e6;
  const what = `${to} (epoch ${epoch}) served ${inMs(took)} after ${SINCE[since](from)} at ${at(sinceT)}`;
  const doubt = unproved(history, takeover);
  if (doubt !== undefined) findings.unknown(`${what}, by the lab; but ${doubt}`);
  const bound = promiseC(history, { server: to, epoch, skipsDeathWait });
  if (bound === undefined) {
    findings.unknown(`${what}; no heartbeat was measured, so there is no bound to hold it against`);
    return;
  }
  const against = `bound ${inMs(bound.boundMs)} = ${bound.sum}`;
  const downMs = storageDownMs(history, sinceT, servingT);
  const meanwhile = downMs === 0 ? '' : `, for ${inMs(downMs)} of which the storage node was down`;
  if (took <= bound.boundMs + downMs) {
    findings.holds(`${what}${meanwhile}; ${against}`);
    return;
  }
  // Only who saw the owner alive less than 0.85 D before may skip D (R8): what kept it from looking then counts as well.
  const seenAliveMs = skipsDeathWait && since === 'release' ? 0.85 * (deathWaitMsOf(history) ?? 0) : 0;
  const lookedFromT = sinceT - seenAliveMs * 1e6;
  const excuse =
    hostStalled(history, lookedFromT, servingT) ??
    premiseBroken(history, to, lookedFromT, servingT) ??
    rivalBroken(history, sinceT, servingT) ??
    stillStarting(history, to, sinceT, servingT, { at });
  const late = `${what}, ${inMs(took - bound.boundMs)} too late; ${against}`;
  if (excuse === undefined) findings.violated(late, sinceT + bound.boundMs * 1e6);
  else findings.unknown(`${late}; but ${excuse}`);
}

/**
 * A claim that landed later than S after its decision is left by whoever made it, and whose claim it wrote over leaves
 * that as well (R3, R4): nobody has won, and D begins anew for everybody.
 */
function rivalBroken(history: History, fromT: number, toT: number): string | undefined {
  for (const [server, lines] of history.journals) {
    const decided = lines.some((line) => line.event === 'decided' && line.t >= fromT && line.t <= toT);
    const why = decided ? premiseBroken(history, server, fromT, toT) : undefined;
    if (why !== undefined) return why;
  }
  return undefined;
}

/** R0: a server that has not watched its own slot for D yet is no standby, and claims nothing. */
function stillStarting(
  { journals }: History,
  server: string,
  fromT: number,
  toT: number,
  { at }: Pick<Instants, 'at'>,
): string | undefined {
  const ready = journals
    .get(server)
    ?.find((line) => line.event === 'role' && line.from === 'starting' && line.t > fromT && line.t < toT);
  return ready === undefined
    ? undefined
    : `${server} was starting until ${at(ready.t)}, and no standby yet (R0)`;
}

function judgeMissed(
  findings: Findings,
  history: History,
  { at }: Instants,
  { from, sinceT, since }: Takeover,
  { waitedMs }: { waitedMs: number },
): void {
  const what = `nobody took over from ${from} within ${inMs(waitedMs)} after ${SINCE[since](from)} at ${at(sinceT)}`;
  const untilT = sinceT + waitedMs * 1e6;
  const excuse = hostStalled(history, sinceT, untilT) ?? premiseBrokenFor(history, from, sinceT, untilT);
  if (excuse === undefined) findings.violated(what, untilT);
  else findings.unknown(`${what}; but ${excuse}`);
}

/** A standby whose read failed while it settled leaves its claim, and whoever let go may be the next one to decide. */
function premiseBrokenFor(history: History, from: string, fromT: number, toT: number): string | undefined {
  const others = [...history.journals.keys()].filter((server) => server !== from);
  return others.map((server) => premiseBroken(history, server, fromT, toT)).find((why) => why !== undefined);
}
