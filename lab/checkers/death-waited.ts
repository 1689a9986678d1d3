import type { JournalLine } from '../../src/ports/journal.ts';
import type { Checker, History } from '../history/events.ts';
import { deathWaitMsOf } from './bound.ts';
import { clockDoubt } from './clocks-agree.ts';
import { Findings } from './findings.ts';
import { inMs, instantsOf } from './instants.ts';
import { type RecordWrite, recordWrites } from './quorum-disk.ts';

type Decided = Extract<JournalLine, { event: 'decided' }>;

/**
 * R1, R8 and R9 from below: nobody claims before the record has stood still for D, unless it shows a release. A read
 * sees all that was written before it began, so what counts is the last write that was finished by then: the claimant
 * cannot have seen those bytes before that write began.
 */
export const deathWaited: Checker = (history) => {
  const findings = new Findings(
    'death-waited',
    'nobody claimed before the record had stood still for D, or was seen released (R1, R8)',
  );
  const deathWaitMs = deathWaitMsOf(history);
  if (deathWaitMs === undefined) return findings.result('the lab does not tell its timings');
  const doubt = clockDoubt(history);
  if (doubt !== undefined) findings.unknown(doubt);
  const held: string[] = [];
  for (const [server, lines] of history.journals) {
    for (const line of lines) {
      if (line.event !== 'decided') continue;
      const { verdict, sentence } = judge(history, server, line, deathWaitMs);
      if (verdict === 'holds') held.push(sentence);
      else if (verdict === 'unknown' || doubt !== undefined) findings.unknown(sentence);
      else findings.violated(sentence, line.startedAt);
    }
  }
  if (held.length > 0) findings.holds(`${held.length} ${held.length === 1 ? 'claim' : 'claims'} in time`);
  for (const sentence of held) findings.holds(sentence);
  findings.count({ decisions: held.length });
  return findings.result('nobody claimed');
};

function judge(
  history: History,
  server: string,
  { epoch, startedAt, rule }: Decided,
  deathWaitMs: number,
): { verdict: 'holds' | 'violated' | 'unknown'; sentence: string } {
  const { at } = instantsOf(history);
  const what = `${server} decided at ${at(startedAt)} to claim epoch ${epoch} (${rule})`;
  const writes = recordWrites(history.audit);
  const seen = writes.findLast((write) => write.t <= startedAt);
  if (seen === undefined)
    return { verdict: 'unknown', sentence: `${what}, and by the storage node nobody had laid out the area` };
  if (rule === 'R8') {
    // What the read saw: the last write before it, or one that was under way.
    const isReleased = writes.some(
      (write) => isRelease(write) && write.beganAt <= startedAt && write.t >= seen.beganAt,
    );
    if (isReleased) return { verdict: 'holds', sentence: `${what}, after a release` };
    return { verdict: 'violated', sentence: `${what}, and the record showed no release` };
  }
  const stillMs = (startedAt - seen.beganAt) / 1e6;
  const still = `${what}, when the record had stood still for ${inMs(stillMs)}`;
  if (stillMs >= deathWaitMs) return { verdict: 'holds', sentence: still };
  return { verdict: 'violated', sentence: `${still} only, ${inMs(deathWaitMs - stillMs)} short of D` };
}

function isRelease({ record }: RecordWrite): boolean {
  return record?.status === 0 && record.node === '';
}
