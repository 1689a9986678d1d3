import type { Observation } from './state.ts';
import { deathWaitMs, leaseMs } from './timing.ts';
import type { Identity, OwnershipRecord, Pause, Reading, Timings } from './types.ts';

export interface Decision {
  /** `claim`: this server may claim (R2). `near`: it may soon; time to reserve an epoch (R3). `held`: but for a pause (R10). */
  verdict: 'observe' | 'near' | 'claim' | 'held';
  rule: 'R1' | 'R8' | 'R9';
  why: string;
}

type Read = { startedAt: number; at: number };
type Self = Pick<Identity, 'node' | 'incarnation' | 'timings'>;

/**
 * R2: may this server claim, going by `seen`, of which the read from `startedAt` to `at` is the latest, and by the
 * `pause` in force? Pure: what it says depends on nothing else.
 */
export function decide(seen: Observation, read: Read, self: Self, pause: Pause | null): Decision {
  const decision = unlessPaused(seen, read, self);
  if (pause === null || isHandedTo(seen.reading, self.node)) return decision;
  // R10: nothing is claimed by itself, so nothing is prepared either.
  return { ...decision, verdict: decision.verdict === 'claim' ? 'held' : 'observe' };
}

/** Status 0 and no node: nobody owns or claims. */
export function isReleased({ status, node }: OwnershipRecord): boolean {
  return status === 0 && node === '';
}

function unlessPaused(seen: Observation, read: Read, self: Self): Decision {
  const { reading } = seen;
  const { timings: t } = self;
  const waitMs = deathWaitMs(t);
  if (reading.kind !== 'valid') return quietFor(waitMs, seen, read, t, 'R9', `${reading.kind} record`);
  const record = reading.value;
  if (!isReleased(record)) return quietFor(waitMs, seen, read, t, 'R1', subjectOf(record));
  const early = releasedToThisServer(seen, record, read.at, self);
  if (early !== undefined) return early;
  // R8: whoever let go saw the release first, and would always be the first to have waited D; it goes last.
  const lastMs = record.incarnation === self.incarnation ? 2 * t.intervalMs : 0;
  return quietFor(waitMs + lastMs, seen, read, t, 'R1', subjectOf(record));
}

/** R1, R9: dead, or nobody there, once a read that started so long after the first one still shows the same. */
function quietFor(
  waitMs: number,
  seen: Observation,
  read: Read,
  t: Timings,
  rule: 'R1' | 'R9',
  subject: string,
): Decision {
  const quietMs = read.startedAt - seen.sinceAt;
  const enoughReads = rule === 'R9' || seen.unchanged >= t.misses;
  const why = `${subject} unchanged for ${Math.floor(quietMs)} ms, ${seen.unchanged} reads in a row`;
  if (quietMs >= waitMs && enoughReads) return { verdict: 'claim', rule, why };
  if (quietMs >= waitMs - 2 * t.intervalMs) return { verdict: 'near', rule, why };
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
  { node, timings: t }: Self,
): Decision | undefined {
  const { heartbeat } = seen;
  if (heartbeat === undefined || heartbeat.epoch !== released.epoch) return undefined;
  if (released.successor !== '' && released.successor !== node) return undefined;
  const ageMs = at - heartbeat.olderStartedAt;
  if (ageMs >= leaseMs(t)) return undefined;
  const to = released.successor === '' ? '' : ', this server named as successor';
  const why = `epoch ${released.epoch} released${to}; seen alive ${Math.ceil(ageMs)} ms ago`;
  return { verdict: 'claim', rule: 'R8', why };
}

/** R10: a hand-over was a person's wish, and a pause does not stand in its way. */
function isHandedTo(reading: Reading<OwnershipRecord>, node: string): boolean {
  return reading.kind === 'valid' && isReleased(reading.value) && reading.value.successor === node;
}

function subjectOf(record: OwnershipRecord): string {
  if (isReleased(record)) return `release of epoch ${record.epoch}`;
  return `${record.status === 1 ? 'owner' : 'claimant'} ${record.node} of epoch ${record.epoch}`;
}
