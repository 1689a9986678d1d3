/**
 * The vocabulary of the arbitration: what is on the disk, what happens to a server, what it does about it.
 *
 * Units: every duration is milliseconds and its name ends in `Ms`; every instant is milliseconds of the machine's
 * monotonic clock (fractions allowed) and its name is `at` or ends in `At`. No wall clock takes part in a decision.
 */

/** The constants of one quorum area (R0). They stand in its header and nowhere else. */
export interface Timings {
  /** T: heartbeat and observation interval. */
  intervalMs: number;
  /** M: unchanged observations in a row before an owner counts as dead. D = M x T. */
  misses: number;
  /** S: how long a claimant waits before it re-reads its claim; also the longest a claim may take to land. */
  settleMs: number;
  /** q: deadline of one read or write; past it the outcome is unknown. */
  deadlineMs: number;
  /** How long before the end of the lease the service begins to be stopped. */
  stopGraceMs: number;
}

/** What `init` wrote; an agent reads it at its start and watches it for change (R0). */
export interface Header {
  /** 32 hex digits. */
  clusterId: string;
  sectorBytes: 512 | 4096;
  slots: number;
  /** `plain`: reads and writes. `caw`: compare-and-write. Never mixed. */
  mode: 'plain' | 'caw';
  timings: Timings;
}

/** The ownership record: the published method's three fields (status, node, count) and what makes them safe. */
export interface OwnershipRecord {
  /** 0: no owner (with a node: a claim; without: released). 1: owned. */
  status: 0 | 1;
  /** Name of the claimant or owner; '' in a released record. */
  node: string;
  /** Fencing token; `epoch mod slots` is the index of the claimant's slot. 0 under `literal`. */
  epoch: number;
  /** 32 hex digits drawn at the start of the agent that wrote this. */
  incarnation: string;
  /** The writer's own counter, raised for every write issued, whatever became of it. */
  count: number;
  /** R8: the server that may take over first after a release; '' for none. */
  successor: string;
  /** R10: while this stands in the newest record nobody takes over by itself; null for none. */
  pause: Pause | null;
}

/** R10: somebody asked that no server take over by itself. */
export interface Pause {
  /** The node at whose agent it was asked for. */
  by: string;
  /** Wall clock of that node then, milliseconds since 1970. For people; no decision reads it. */
  sinceWallMs: number;
}

/** One server's own block: identity, liveness, and the highest epoch it used or saw (R3). */
export interface NodeSlot {
  node: string;
  /** 32 hex digits; all zero until an agent has used the slot. */
  incarnation: string;
  /** Raised with every write of the slot. */
  counter: number;
  role: SlotRole;
  /** Highest epoch this server used or saw. */
  epoch: number;
}
export type SlotRole = 'none' | 'standby' | 'claimant' | 'owner';

/** One block as it was read. `bytes` is the whole raw sector as a latin1 string: equal strings, equal sectors. */
export type Reading<T> =
  | { kind: 'valid'; value: T; bytes: string }
  | { kind: 'null'; bytes: string }
  | { kind: 'damaged'; why: string; bytes: string };

/** The whole quorum area, from one read. */
export interface AreaReading {
  header: Reading<Header>;
  record: Reading<OwnershipRecord>;
  /** One per slot, in order. */
  slots: readonly Reading<NodeSlot>[];
}

/** Who this server is, and how its area is laid out. Fixed for the life of an agent. */
export interface Identity {
  node: string;
  /** Own slot, 0 <= index < slots. */
  index: number;
  slots: number;
  incarnation: string;
  timings: Timings;
}

/**
 * What happened. `startedAt` is taken right before the request was issued, `at` right after its answer was seen: only
 * so do the rules about the start of one thing and the end of another hold whatever the scheduler does in between.
 */
export type Event =
  /** The agent begins. `area` is its first read. */
  | { kind: 'start'; at: number; startedAt: number; area: AreaReading }
  /** The instant asked for by the last `wake` has come. */
  | { kind: 'tick'; at: number }
  | { kind: 'read'; at: number; startedAt: number; area: AreaReading }
  | { kind: 'read-failed'; at: number; startedAt: number; reason: string }
  /** The record write was acknowledged as durable. */
  | { kind: 'written'; at: number; startedAt: number }
  /**
   * `failed`: it was never sent, so it never lands. `unknown`: anything else, an error of the disk among them: it may have
   * landed, and may still, at any time.
   */
  | { kind: 'write-failed'; at: number; startedAt: number; outcome: 'unknown' | 'failed'; reason: string }
  | { kind: 'slot-written'; at: number; slot: NodeSlot }
  | { kind: 'slot-write-failed'; at: number; slot: NodeSlot; reason: string }
  /** R7: the storage node let this server into the data area under `epoch`. */
  | { kind: 'access-granted'; at: number; epoch: number }
  /** R7: it did not; `grantedEpoch` is the one it granted last, where it said so. */
  | { kind: 'access-refused'; at: number; epoch: number; grantedEpoch: number | undefined; reason: string }
  /** No answer, or no connection: nothing is known. */
  | { kind: 'access-failed'; at: number; epoch: number; reason: string }
  /** Granted access ended without being given up. */
  | { kind: 'access-lost'; at: number; epoch: number; reason: string }
  | { kind: 'service-started'; at: number; pid: number }
  /** The service could not be started. */
  | { kind: 'service-failed'; at: number; reason: string }
  /** Every process of the service is gone: because it was told to stop, or by itself. */
  | { kind: 'service-ended'; at: number; reason: string }
  /** R8, a clean stop: release the area, then end (`exit`) or go on as a standby (`observe`). */
  | { kind: 'release'; at: number; then: 'exit' | 'observe' }
  /** R8: the same for the good of `to`; this server goes on as a standby. `force`: also when it would take D. */
  | { kind: 'hand-over'; at: number; to: string; force: boolean }
  /** R10. `wallMs`: wall clock, milliseconds since 1970, for people. */
  | { kind: 'pause'; at: number; wallMs: number }
  | { kind: 'resume'; at: number };

/**
 * What to do about it, in this order. At most one of `read` and `write-record` is under way at any time, and the next
 * one is asked for only after the last one's outcome is in; `write-slot` runs beside them, also at most one at a time.
 */
export type Effect =
  /** Read the whole quorum area, now. */
  | { do: 'read' }
  /** Write the record, durably, once, now. Never repeated by any layer below. */
  | { do: 'write-record'; record: OwnershipRecord }
  | { do: 'write-slot'; slot: NodeSlot }
  /** Send `tick` at this instant; replaces an earlier wake. */
  | { do: 'wake'; at: number }
  /** The lease, as the guard must know it: the service may live until `endsAt` and no longer. */
  | { do: 'lease'; epoch: number; endsAt: number }
  /** R7: obtain the data area for this epoch. Answered by one of the `access-*` events. */
  | { do: 'obtain'; epoch: number }
  /** Stop using the data area. Nothing is answered. */
  | { do: 'give-up-access' }
  | { do: 'start-service'; epoch: number }
  /** `grace`: ask, then kill at `byAt`. `now`: kill. Answered by `service-ended`, also when none was running. */
  | { do: 'stop-service'; how: 'grace' | 'now'; byAt: number }
  | { do: 'journal'; entry: ProtocolEntry }
  /** The agent is done. 0 after a release; anything else is an error named by `reason`. */
  | { do: 'end'; exitCode: number; reason: string };

export type Role =
  | 'starting' // R0: watching the own slot
  | 'standby' // R1
  | 'claiming' // R3: the claim is being written
  | 'settling' // R4: waiting, re-reading, establishing
  | 'active' // R5: owner, within its lease
  | 'stopping' // R6, R8: no longer acting; the service is being ended
  | 'releasing' // R8: the release is being written
  | 'ended';

/** What the protocol has to say in the journal. Instants end in `At` (milliseconds here, nanoseconds in a line). */
export type ProtocolEntry =
  /** `ruleOf`: the rule that moved it. */
  | { event: 'role'; from: Role; to: Role; epoch: number; rule: string; reason: string }
  /** Every renewal, the first one included: the heartbeat's read began at `startedAt`, its write was acknowledged at `writtenAt`. */
  | { event: 'lease'; epoch: number; count: number; startedAt: number; writtenAt: number; endsAt: number }
  /** Every observation that counts towards death: `unchanged` reads so far, since `sinceAt`. */
  | {
      event: 'observed';
      node: string;
      epoch: number;
      status: 0 | 1 | null;
      unchanged: number;
      sinceAt: number;
      readAt: number;
    }
  /** The record changed, or was seen for the first time. */
  | {
      event: 'observed-change';
      node: string;
      epoch: number;
      status: 0 | 1 | null;
      count: number;
      what: string;
    }
  /** Reads fail: this server is blind and will not take over; `healed` when one succeeded again. */
  | { event: 'blind'; healed: boolean; reason: string; failures: number }
  | {
      event: 'heartbeat-failed';
      epoch: number;
      phase: 'read' | 'write';
      outcome: 'unknown' | 'failed';
      reason: string;
    }
  | { event: 'decided'; rule: string; epoch: number; startedAt: number; reason: string }
  | { event: 'claim-abandoned'; rule: string; epoch: number; reason: string }
  /** R5: an owner wrote over a foreign, late or damaged record. */
  | { event: 'overwrote'; epoch: number; what: string; foreignEpoch: number | null }
  | { event: 'epoch-raised'; from: number; to: number; grantedEpoch: number }
  | {
      event: 'access';
      epoch: number;
      outcome: 'obtaining' | 'granted' | 'refused' | 'failed' | 'lost' | 'verified';
      grantedEpoch?: number;
      reason?: string;
    }
  | {
      event: 'service';
      phase: 'starting' | 'started' | 'stopping' | 'ended' | 'failed';
      epoch: number;
      reason: string;
      pid?: number;
    }
  /** `successor`: the server that was to follow; '' for none. */
  | { event: 'released'; epoch: number; written: boolean; successor: string; reason: string }
  /** What a person asked for. `refused`: not in this state. `wrong`: never as it was asked. */
  | {
      event: 'order';
      order: 'hand-over' | 'pause' | 'resume';
      outcome: 'taken' | 'refused' | 'wrong';
      reason: string;
    }
  /** R10: from here on this server will not take over by itself; `epoch` is that of the record which says so. */
  | { event: 'paused'; epoch: number; by: string; sinceWallMs: number }
  /** R10: that is over. `by` and `sinceWallMs` are those of the pause. */
  | { event: 'resumed'; epoch: number; by: string; sinceWallMs: number; reason: string }
  /** R10: it would claim now by `rule`, and does not: the area is paused. Said once for each death. */
  | { event: 'takeover-held'; rule: string; epoch: number; by: string; sinceWallMs: number; reason: string }
  | { event: 'warning'; text: string }
  | { event: 'ended'; exitCode: number; reason: string };
