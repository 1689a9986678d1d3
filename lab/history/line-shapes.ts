import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import type { ClientEvent, LabEvent } from './events.ts';

/**
 * What every line of a history must carry. A checker that compares a missing field finds nothing wrong with it, so a
 * line that lacks one is unreadable. The tables are tied to the contracts by their types: a field or an event that one
 * of them gains or loses does not compile until it is here too.
 */
export type FieldKind = 'number' | 'number?' | 'string' | 'string?' | 'boolean' | 'object' | 'object?';

/** `?` marks a field that may be null; a field that may be absent has no entry. */
type KindOf<V> = [V] extends [number]
  ? 'number'
  : [V] extends [number | null]
    ? 'number?'
    : [V] extends [string]
      ? 'string'
      : [V] extends [string | null]
        ? 'string?'
        : [V] extends [boolean]
          ? 'boolean'
          : null extends V
            ? 'object?'
            : 'object';

type Common = 'v' | 'n' | 't' | 'wall' | 'node' | 'incarnation' | 'event';
type RequiredKeys<E> = { [K in keyof E]-?: undefined extends E[K] ? never : K }[keyof E];
type Shape<E, Skipped extends string> = { [K in Exclude<RequiredKeys<E>, Skipped>]: KindOf<E[K]> };
export type Shapes<L extends { event: string }, Skipped extends string> = {
  readonly [E in L['event']]: Readonly<Shape<Extract<L, { event: E }>, Skipped>>;
};

const n = 'number';
const s = 'string';
const b = 'boolean';

// prettier-ignore
export const clientShapes: Shapes<ClientEvent, 't' | 'event'> = {
  'client-started': { workers: n, servers: 'object' },
  begin: { id: s, worker: n },
  end: { id: s, worker: n, outcome: s, server: 'string?', epoch: 'number?', seq: 'number?', attempts: n },
  'client-stopped': { operations: n },
};

// prettier-ignore
export const labShapes: Shapes<LabEvent, 't' | 'event'> = {
  'lab-started': { scenario: s, engine: s, storage: s, seed: n, servers: 'object', timings: 'object', agent: 'object', gate: 'object' },
  fault: { id: n, fault: s, target: s, phase: s, detail: s },
  'takeover-awaited': { from: s, skipsDeathWait: b, sinceT: n },
  'takeover-seen': { from: s, to: s, epoch: n, sinceT: n, servingT: n },
  order: { order: s, server: s, to: 'string?', requestedT: n, code: n, said: s },
  'takeover-missed': { from: s, sinceT: n, waitedMs: n },
  healed: {},
  'serving-again': { server: s, epoch: n },
  expected: { what: s, met: b, otherwise: s, detail: s },
  stall: { gapMs: n },
  'process-ended': { server: s, code: 'number?', signal: 'string?', wanted: b },
  note: { text: s },
  'lab-ended': {},
};

// prettier-ignore
export const auditShapes: Shapes<AuditLine, 'v' | 'n' | 't' | 'event'> = {
  'gate-started': { pid: n, fencing: b, granted: 'object?', listen: s },
  'gate-stopped': { reason: s },
  grant: { node: s, epoch: n, incarnation: s, previousEpoch: n },
  drained: { epoch: n, connectionsEnded: n, writesAwaited: n, drainMs: n },
  'not-settled': { epoch: n, reason: s },
  admitted: { connection: n, peer: s, export: s, node: s, epoch: n, incarnation: s },
  refused: { connection: n, peer: s, export: s, node: 'string?', epoch: 'number?', lastGranted: n, reason: s },
  write: { connection: n, peer: s, export: s, node: s, epoch: n, incarnation: s, offset: n, length: n, beganAt: n, outcome: s, fua: b },
  'write-refused': { connection: n, peer: s, export: s, node: s, epoch: n, offset: n, length: n, lastGranted: n },
  'quorum-write': { connection: n, peer: s, offset: n, length: n, beganAt: n, outcome: s, record: 'object?' },
  connected: { connection: n, peer: s, export: s },
  disconnected: { connection: n, peer: s, export: 'string?', reason: s },
  'server-started': { pid: n, area: s, epoch: 'number?' },
  'server-ended': { pid: n, area: s, epoch: 'number?', code: 'number?', signal: 'string?', byItself: b, why: s },
  reservation: { connection: n, peer: s, export: s, action: s, key: s, serviceActionKey: s, outcome: s },
  rule: { id: s, state: s, detail: s },
};

/** `node` of an observation is the observed server's and shares its name with the writer's own: see `load.ts`. */
// prettier-ignore
export const journalShapes: Shapes<JournalLine, Common> = {
  role: { from: s, to: s, epoch: n, rule: s, reason: s },
  lease: { epoch: n, count: n, startedAt: n, writtenAt: n, endsAt: n },
  observed: { epoch: n, status: 'number?', unchanged: n, sinceAt: n, readAt: n },
  'observed-change': { epoch: n, status: 'number?', count: n, what: s },
  blind: { healed: b, reason: s, failures: n },
  'heartbeat-failed': { epoch: n, phase: s, outcome: s, reason: s },
  decided: { rule: s, epoch: n, startedAt: n, reason: s },
  'claim-abandoned': { rule: s, epoch: n, reason: s },
  overwrote: { epoch: n, what: s, foreignEpoch: 'number?' },
  'epoch-raised': { from: n, to: n, grantedEpoch: n },
  access: { epoch: n, outcome: s },
  service: { phase: s, epoch: n, reason: s },
  released: { epoch: n, written: b, successor: s, reason: s },
  order: { order: s, outcome: s, reason: s },
  paused: { epoch: n, by: s, sinceWallMs: n },
  resumed: { epoch: n, by: s, sinceWallMs: n, reason: s },
  'takeover-held': { rule: s, epoch: n, by: s, sinceWallMs: n, reason: s },
  warning: { text: s },
  ended: { exitCode: n, reason: s },
  'agent-started': { version: s, pid: n, guardPid: 'number?', cluster: s, index: n, protocol: s, fencing: s, guard: b, intervalMs: n, misses: n, settleMs: n, deadlineMs: n, stopGraceMs: n },
  late: { dueAt: n, lateMs: n },
  'journal-dropped': { lines: n },
};
