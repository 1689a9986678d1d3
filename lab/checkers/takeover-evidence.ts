import type { History } from '../history/events.ts';
import { faultsOf } from './fault-windows.ts';
import { type Instants, instantsOf } from './instants.ts';
import { recordWrites } from './quorum-disk.ts';
import type { Takeover } from './takeovers.ts';

/**
 * Why a takeover that the lab says it saw is not borne out by those who were there: what hit the former owner, that it
 * was the owner, the new one's journal, and the storage node's grant and admission. Undefined when it is.
 */
export function unproved(history: History, takeover: Takeover): string | undefined {
  const { from, sinceT, seen } = takeover;
  if (seen === undefined) return 'nobody was seen to take over';
  const { to, epoch, servingT } = seen;
  const { at } = instantsOf(history);
  if (!hasBegun(history, takeover))
    return `nothing that hit ${from} took effect at ${at(sinceT)}, nor did it release then`;
  const before = recordWrites(history.audit).findLast(
    ({ record, t }) => record?.status === 1 && record.epoch < epoch && t < servingT,
  );
  if (before === undefined || before.record?.node !== from)
    return `the record names ${before?.record?.node ?? 'nobody'} as the owner before epoch ${epoch}, and not ${from}`;
  return notServing(history, { to, epoch, servingT }, { at });
}

/**
 * The fault that hit the former owner took effect then, or was asked for then; or its journal tells of a release, or that
 * of another server of the end of a pause.
 */
function hasBegun(history: History, { from, sinceT }: Takeover): boolean {
  const hit = faultsOf(history).some(
    ({ target, effective, requested }) =>
      target === from && effective !== undefined && (effective.t === sinceT || requested?.t === sinceT),
  );
  const lines = history.journals.get(from) ?? [];
  const isReleased = lines.some((line) => line.event === 'released' && line.t === sinceT);
  const everybody = [...history.journals.values()].flat();
  return hit || isReleased || everybody.some((line) => line.event === 'resumed' && line.t === sinceT);
}

function notServing(
  { journals, audit, lab }: History,
  { to, epoch, servingT }: { to: string; epoch: number; servingT: number },
  { at }: Pick<Instants, 'at'>,
): string | undefined {
  const isStarted = (journals.get(to) ?? []).some(
    (line) =>
      line.event === 'service' && line.phase === 'started' && line.epoch === epoch && line.t === servingT,
  );
  if (!isStarted)
    return `the journal of ${to} tells of no service under epoch ${epoch} that had started at ${at(servingT)}`;
  const gate = lab.find((event) => event.event === 'lab-started')?.gate;
  const isGranted = audit.some(
    (line) => line.event === 'grant' && line.node === to && line.epoch === epoch && line.t <= servingT,
  );
  if (gate?.fencing === true && !isGranted)
    return `the storage node did not grant epoch ${epoch} to ${to} before ${at(servingT)}`;
  const isLetIn = audit.some((line) => line.event === 'admitted' && line.node === to && line.epoch === epoch);
  return isLetIn ? undefined : `the storage node never let ${to} in under epoch ${epoch}`;
}
