import type { Checker, History } from '../history/events.ts';
import { endOfHistory } from '../history/leases.ts';
import { Findings } from './findings.ts';
import { inMs, instantsOf } from './instants.ts';

/** R10: while the area is paused nobody claims it by itself, by the storage node's own record of writes. */
export const pauseHonoured: Checker = (history) => {
  const findings = new Findings(
    'pause-honoured',
    'while the area was paused, no server claimed it but one that it was handed over to',
  );
  const { at } = instantsOf(history);
  for (const { by, fromT, toT } of pausesOf(history)) {
    const claims = claimsBetween(history, fromT, toT);
    for (const { node, epoch, t } of claims)
      findings.violated(
        `${node} claimed epoch ${epoch} at ${at(t)}; ${by} had paused the area at ${at(fromT)}`,
        t,
      );
    const held = heldBack(history, fromT, toT);
    const what = `paused by ${by} from ${at(fromT)} for ${inMs((toT - fromT) / 1e6)}`;
    if (claims.length > 0) continue;
    if (held.length > 0) findings.holds(`${what}: nobody claimed, and ${held.join(', ')} held back`);
    else findings.unknown(`${what}: no server had a reason to claim, so it was not put to the test`);
  }
  return findings.result('nothing was paused');
};

interface Paused {
  by: string;
  fromT: number;
  toT: number;
}

/** From the answer to an order to pause, to the moment the next order to resume was given. */
function pausesOf({ lab, ...history }: History): Paused[] {
  const pauses: Paused[] = [];
  for (const event of lab) {
    if (event.event !== 'order' || event.order !== 'pause' || event.code !== 0) continue;
    const resumed = lab.find(
      (other) => other.event === 'order' && other.order === 'resume' && other.requestedT > event.t,
    );
    const toT = resumed?.event === 'order' ? resumed.requestedT : endOfHistory({ lab, ...history });
    pauses.push({ by: event.server, fromT: event.t, toT });
  }
  return pauses;
}

/** Claims that reached the disk: status 0 and a node. A hand-over in between is a person's wish, and permits its claim. */
function claimsBetween({ audit, lab }: History, fromT: number, toT: number) {
  const named = lab.flatMap((event) => (event.event === 'order' && event.to !== null ? [event] : []));
  return audit.flatMap((line) => {
    if (line.event !== 'quorum-write' || line.record === null || line.outcome !== 'ok') return [];
    const { status, node, epoch } = line.record;
    if (status !== 0 || node === '' || line.beganAt < fromT || line.beganAt > toT) return [];
    const isNamed = named.some(
      ({ to, requestedT }) => to === node && requestedT > fromT && requestedT < line.t,
    );
    return isNamed ? [] : [{ node, epoch, t: line.t }];
  });
}

function heldBack({ journals }: History, fromT: number, toT: number): string[] {
  return [...journals].flatMap(([server, lines]) =>
    lines.some(({ event, t }) => event === 'takeover-held' && t > fromT && t < toT) ? [server] : [],
  );
}
