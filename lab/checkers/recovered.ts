import type { Checker, History } from '../history/events.ts';
import { activeIntervals, endOfHistory } from '../history/leases.ts';
import { premiseBroken, promiseC } from './bound.ts';
import { Findings } from './findings.ts';
import { inMs, instantsOf } from './instants.ts';
import { hostStalled } from './stalls.ts';

/** Promise (c) once more: when everything is healed, there is one active server again within the same bound. */
export const recovered: Checker = (history) => {
  const findings = new Findings(
    'recovered',
    'once everything was healed, one server was active again within the bound',
  );
  const { at } = instantsOf(history);
  const healedT = history.lab.findLast((event) => event.event === 'healed')?.t;
  if (healedT === undefined)
    return findings.result('the scenario never came to say that everything is healed');
  const again = history.lab.find((event) => event.event === 'serving-again' && event.t >= healedT);

  if (again?.event !== 'serving-again') {
    const endT = endOfHistory(history);
    const what = `nobody served again within ${inMs((endT - healedT) / 1e6)} after everything was healed at ${at(healedT)}`;
    const boundMs = promiseC(history, { server: '', epoch: 0, skipsDeathWait: false })?.boundMs;
    const excuse = hostStalled(history, healedT, endT) ?? tooShort(boundMs, (endT - healedT) / 1e6);
    if (excuse === undefined) findings.violated(what, endT);
    else findings.unknown(`${what}; but ${excuse}`);
    return findings.result('');
  }

  const { server, epoch, t } = again;
  const sinceT = lastPowerOn(history, healedT, t);
  const took = (t - sinceT) / 1e6;
  const since = sinceT === healedT ? `everything was healed` : `the last server was switched on`;
  const what = `${server} (epoch ${epoch}) served ${inMs(took)} after ${since} at ${at(sinceT)}`;
  const bound = promiseC(history, { server, epoch, skipsDeathWait: false });
  if (bound === undefined)
    findings.unknown(`${what}; no heartbeat was measured, so there is no bound to hold it against`);
  else if (took <= bound.boundMs) findings.holds(`${what}; bound ${inMs(bound.boundMs)} = ${bound.sum}`);
  else {
    const late = `${what}, ${inMs(took - bound.boundMs)} too late; bound ${inMs(bound.boundMs)} = ${bound.sum}`;
    const excuse = hostStalled(history, sinceT, t) ?? premiseBroken(history, server, sinceT, t);
    if (excuse === undefined) findings.violated(late, sinceT + bound.boundMs * 1e6);
    else findings.unknown(`${late}; but ${excuse}`);
  }
  const inJournal = activeIntervals(history).some(
    (i) => i.server === server && i.fromT <= t && i.toT > healedT,
  );
  if (!inJournal)
    findings.unknown(`the lab saw ${server} serve at ${at(t)}, and its journal does not show it active then`);
  return findings.result('');
};

/** Agents take a moment to start, and the bound begins when they have: R0's watch of D runs beside R1's. */
function lastPowerOn(history: History, healedT: number, servingT: number): number {
  let lastT = healedT;
  for (const lines of history.journals.values()) {
    for (const line of lines)
      if (line.event === 'agent-started' && line.t < servingT) lastT = Math.max(lastT, line.t);
  }
  return lastT;
}

function tooShort(boundMs: number | undefined, waitedMs: number): string | undefined {
  if (boundMs === undefined) return 'no heartbeat was measured, so there is no bound to hold it against';
  return waitedMs < boundMs ? `the run ended before the bound of ${inMs(boundMs)} had passed` : undefined;
}
