import type { Observation } from './state.ts';
import { deathWaitMs, leaseMs } from './timing.ts';
import type { OwnershipRecord, Timings } from './types.ts';

export interface Decision {
  /** `claim`: this server may claim (R2). `near`: it may soon; time to reserve an epoch (R3). */
  verdict: 'observe' | 'near' | 'claim';
  rule: 'R1' | 'R8' | 'R9';
  why: string;
}

/**
 * R2: may this server claim, going by `seen`, of which the read from `startedAt` to `at` is the latest? Pure: what it
 * says depends on nothing else.
 */
export function decide(
  seen: Observation,
  read: { startedAt: number; at: number },
  node: string,
  t: Timings,
): Decision {
  const { reading } = seen;
  if (reading.kind !== 'valid') return quietForD(seen, read, t, 'R9', `${reading.kind} record`);
  if (isReleased(reading.value)) {
    const early = releasedToThisServer(seen, reading.value, read.at, node, t);
    if (early !== undefined) return early;
  }
  return quietForD(seen, read, t, 'R1', subjectOf(reading.value));
}

/** R1, R9: dead, or nobody there, once a read that started D after the first one still shows the same. */
function quietForD(
  seen: Observation,
  read: { startedAt: number },
  t: Timings,
  rule: 'R1' | 'R9',
  subject: string,
): Decision {
  const quietMs = read.startedAt - seen.sinceAt;
  const enoughReads = rule === 'R9' || seen.unchanged >= t.misses;
  const why = `${subject} unchanged for ${Math.floor(quietMs)} ms, ${seen.unchanged} reads in a row`;
  if (quietMs >= deathWaitMs(t) && enoughReads) return { verdict: 'claim', rule, why };
  if (quietMs >= deathWaitMs(t) - 2 * t.intervalMs) return { verdict: 'near', rule, why };
  return { verdict: 'observe', rule, why };
}

/**
 * R8: no wait for one that saw this very epoch alive less than 0.85 D ago. Nobody can have taken over from it since:
 * for that its record would have had to be quiet for D.
 */
function releasedToThisServer(
  seen: Observation,
  released: OwnershipRecord,
  at: number,
  node: string,
  t: Timings,
): Decision | undefined {
  const { heartbeat } = seen;
  if (heartbeat === undefined || heartbeat.epoch !== released.epoch) return undefined;
  if (released.successor !== '' && released.successor !== node) return undefined;
  const ageMs = at - heartbeat.olderStartedAt;
  if (ageMs >= leaseMs(t)) return undefined;
  const why = `epoch ${released.epoch} released; seen alive ${Math.ceil(ageMs)} ms ago`;
  return { verdict: 'claim', rule: 'R8', why };
}

/** Status 0 and no node: nobody owns or claims. */
function isReleased(record: OwnershipRecord): boolean {
  return record.status === 0 && record.node === '';
}

function subjectOf(record: OwnershipRecord): string {
  if (isReleased(record)) return `release of epoch ${record.epoch}`;
  return `${record.status === 1 ? 'owner' : 'claimant'} ${record.node} of epoch ${record.epoch}`;
}
