import type { AuditLine } from '../../src/ports/audit.ts';
import { decodeArea } from '../../src/area/area.ts';
import type { OwnershipRecord } from '../../src/protocol/types.ts';
import type { History } from '../history/events.ts';
import { powerCuts } from './fault-windows.ts';
import type { Findings } from './findings.ts';
import type { Instants } from './instants.ts';

export type RecordWrite = Extract<AuditLine, { event: 'quorum-write' }>;

/** The lab lays its areas out in sectors of this size. */
const SECTOR_BYTES = 512;
const RECORD_AT = SECTOR_BYTES;

/** Writes that covered the ownership record and succeeded, in the order in which they were finished. */
export function recordWrites(audit: readonly AuditLine[]): RecordWrite[] {
  return audit.filter(
    (line): line is RecordWrite =>
      line.event === 'quorum-write' &&
      line.outcome === 'ok' &&
      line.offset <= RECORD_AT &&
      line.offset + line.length > RECORD_AT,
  );
}

/** The quorum area as it was left, against the last write of the record that was told, the grants and the timings. */
export function judgeQuorumDisk(findings: Findings, history: History, { at }: Instants): void {
  const { quorum, lab, audit } = history;
  if (quorum === undefined) return findings.unknown('the quorum area was not collected');
  const started = lab.find((event) => event.event === 'lab-started');
  const slots = started?.servers.length ?? 0;
  if (quorum.length < (2 + slots) * SECTOR_BYTES)
    return findings.unknown(`the quorum area was collected with ${quorum.length} bytes only`);
  const { header, record } = decodeArea(quorum, SECTOR_BYTES, slots);
  if (header.kind !== 'valid') return findings.unknown(`the header on the quorum disk is ${header.kind}`);
  const { timings } = header.value;
  const differs = Object.entries(timings).find(
    ([name, value]) => started?.timings[name as keyof typeof timings] !== value,
  );
  if (differs !== undefined)
    findings.unknown(
      `the header on the quorum disk says ${differs[0]} ${differs[1]}, and the lab asked for another`,
    );

  const writes = recordWrites(audit);
  const last = writes.at(-1);
  const stands = record.kind === 'valid' ? record.value : undefined;
  const isTold = writes.some((write) => write.t >= last!.beganAt && shows(write, stands));
  // A gate that was killed after all that it told of may have written the record once more.
  const mayBeUntold = powerCuts(history, 'storage').some(({ toT }) => last === undefined || toT > last.t);
  if (isTold) return;
  if (!mayBeUntold)
    findings.unknown(
      `the record on the quorum disk is ${inWords(record.kind, stands)}; by the storage node's own record ` +
        (last === undefined
          ? 'nobody wrote it'
          : `it was ${inWords(kindOf(last), last.record)} from ${at(last.t)} on`),
    );
  const granted = audit.findLast((line) => line.event === 'grant');
  if (granted?.event === 'grant' && (stands?.epoch ?? 0) < granted.epoch)
    findings.unknown(
      `epoch ${granted.epoch} was granted at ${at(granted.t)}, and the quorum disk shows none as high`,
    );
}

function shows({ record }: RecordWrite, stands: OwnershipRecord | undefined): boolean {
  if (record === null || stands === undefined) return record === null && stands === undefined;
  const { status, node, epoch, count } = stands;
  return record.status === status && record.node === node && record.epoch === epoch && record.count === count;
}

function kindOf({ record }: RecordWrite): string {
  return record === null ? 'no valid one' : 'valid';
}

function inWords(
  kind: string,
  record: { node: string; epoch: number; count: number } | null | undefined,
): string {
  if (record === null || record === undefined) return kind;
  const whose = record.node === '' ? 'a release' : `that of ${record.node}`;
  return `${whose}, epoch ${record.epoch}, count ${record.count}`;
}
