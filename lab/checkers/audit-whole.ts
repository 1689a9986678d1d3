import type { AuditLine } from '../../src/ports/audit.ts';
import type { Checker, History } from '../history/events.ts';
import { faultsOf, powerCuts } from './fault-windows.ts';
import { Findings } from './findings.ts';
import { gapSentence, gapsIn } from './missing-lines.ts';
import { type Instants, instantsOf } from './instants.ts';
import { judgeQuorumDisk } from './quorum-disk.ts';
import { judgeWrites } from './writes-told.ts';

/**
 * What the checkers believe about the disks is the storage node's own record, so that record is held against the
 * disks as they were left, and against what the client was promised: nothing may be there that the record lacks. The
 * gate tells a write before it answers it; only a gate that was killed may have carried one out untold.
 */
export const auditWhole: Checker = (history) => {
  const findings = new Findings(
    'audit-whole',
    "the storage node's record is whole: both disks and every acknowledged append agree with it",
  );
  if (history.audit.length === 0) return findings.result('the storage node told nothing');
  const instants = instantsOf(history);
  judgeStarts(findings, history, instants);
  judgeEnd(findings, history);
  judgeWrites(findings, history, instants);
  judgeQuorumDisk(findings, history, instants);
  judgeNumbers(findings, history.audit);
  return findings.result('the record has no write');
};

/** One start, and one more for each time the storage node was killed; each as the lab asked for it. */
function judgeStarts(findings: Findings, history: History, { at }: Instants): void {
  // The quorum area's own server process, where there is one, is up before the gate is.
  if (history.audit.find((line) => line.event !== 'server-started')?.event !== 'gate-started')
    findings.unknown('the record does not begin with gate-started');
  const kills = faultsOf(history).filter(({ fault }) => fault === 'storage-kill');
  const asked = history.lab.find((event) => event.event === 'lab-started')?.gate.fencing;
  const unused = new Set(kills);
  let isFirst = true;
  for (const line of history.audit) {
    if (line.event !== 'gate-started') continue;
    if (asked !== undefined && line.fencing !== asked)
      findings.unknown(
        `the gate that started at ${at(line.t)} says fencing ${line.fencing}, and the lab asked for ${asked}`,
      );
    const reason = [...unused].find(
      ({ effective, healed }) =>
        effective !== undefined && effective.t <= line.t && line.t <= (healed?.t ?? Infinity),
    );
    if (!isFirst && reason === undefined)
      findings.unknown(`the gate started at ${at(line.t)}, and nobody had killed the one before`);
    if (!isFirst && reason !== undefined) unused.delete(reason);
    isFirst = false;
  }
  for (const { id, healed } of unused) {
    if (healed !== undefined)
      findings.unknown(
        `fault ${id} (storage-kill) was healed at ${at(healed.t)}, and the record has no start for it`,
      );
  }
}

/** Every start numbers its lines from 1 on; only the last ones of a killed storage node may not have got out. */
function judgeNumbers(findings: Findings, audit: readonly AuditLine[]): void {
  const gaps = gapsIn(audit.map(({ n }) => n)).filter(({ next }) => next !== 1);
  for (const gap of gaps) findings.unknown(`of the storage node's record ${gapSentence(gap)}`);
}

/** It ends with a clean stop; unless the storage node was killed and never came back. */
function judgeEnd(findings: Findings, history: History): void {
  const last = history.audit.at(-1)!;
  const stops = history.audit.filter((line) => line.event === 'gate-stopped').length;
  const isDead = faultsOf(history).some(
    ({ fault, effective, healed }) =>
      fault === 'storage-kill' && effective !== undefined && effective.t > last.t && healed === undefined,
  );
  if (last.event !== 'gate-stopped' && !isDead)
    findings.unknown(`the record does not end with gate-stopped but with ${last.event}`);
  if (stops > 1) findings.unknown(`the record tells of ${stops} clean stops, and the lab makes one`);
  if (powerCuts(history, 'storage').length > 0)
    findings.count({ storageKills: powerCuts(history, 'storage').length });
}
