import type { AuditLine } from '../../src/ports/audit.ts';
import type { History } from '../history/events.ts';
import { unproved } from './takeover-evidence.ts';
import { takeoversOf } from './takeovers.ts';

/** What happened, in numbers: for the summary, and for `meaningful` to hold against what should have happened. */
export interface HistoryCounters {
  /** That the lab saw, and that journals and storage node bear out. */
  takeovers: number;
  acknowledged: number;
  refusedAppends: number;
  unknownAppends: number;
  /** Writes to the data area that were carried out. */
  writes: number;
  grants: number;
  admissions: number;
  /** Attempts on the data area that the storage node turned away; not those of an owner who only came too early. */
  refusals: number;
  /** Of these: under the epoch of a former owner, after a newer one was granted. */
  lateRefusals: number;
}

export function countHistory(history: History): HistoryCounters {
  const ends = history.client.filter((event) => event.event === 'end');
  const withOutcome = (outcome: string) =>
    ends.filter((event) => event.event === 'end' && event.outcome === outcome).length;
  const withEvent = (event: AuditLine['event']) =>
    history.audit.filter((line) => line.event === event).length;
  const turnedAway = refusalsIn(history.audit);
  return {
    takeovers: takeoversOf(history).filter((takeover) => unproved(history, takeover) === undefined).length,
    acknowledged: withOutcome('ok'),
    refusedAppends: withOutcome('refused'),
    unknownAppends: withOutcome('unknown'),
    writes: history.audit.filter((line) => line.event === 'write' && line.outcome === 'ok').length,
    grants: withEvent('grant'),
    admissions: withEvent('admitted'),
    refusals: turnedAway.length,
    lateRefusals: turnedAway.filter((line) => line.epoch !== null && line.epoch < line.lastGranted).length,
  };
}

type Refusal = Extract<AuditLine, { event: 'refused' | 'write-refused' }>;

function refusalsIn(audit: readonly AuditLine[]): Refusal[] {
  const lastAdmissionT = new Map<string, number>();
  for (const line of audit) if (line.event === 'admitted') lastAdmissionT.set(line.export, line.t);
  const refusals = audit.filter((line) => line.event === 'refused' || line.event === 'write-refused');
  return refusals.filter(
    (line) => line.event === 'write-refused' || (lastAdmissionT.get(line.export) ?? 0) < line.t,
  );
}
