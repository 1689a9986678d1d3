import type { Identity, NodeSlot, OwnershipRecord, Pause, Reading } from './types.ts';

/**
 * All that one server knows. Plain data, never changed in place. Units as in types.ts.
 */
export interface State {
  readonly identity: Identity;
  readonly phase: Phase;
  /** R0: the header's raw bytes, as they were at the start. */
  readonly header: string;
  /** The read or the record write that is under way. */
  readonly pending: Pending | undefined;
  /** R1: what the record has shown; kept while this server observes. */
  readonly observation: Observation | undefined;
  /** R1: when to read next, while this server observes. */
  readonly observeAt: number;
  readonly ownSlot: OwnSlotSight;
  readonly epochs: Epochs;
  readonly slot: SlotTrack;
  /** R8: every server's slot as last read, in order. */
  readonly peers: readonly PeerSight[];
  readonly pauses: PauseSight;
  /** Record writes issued so far: the `count` of the last one. */
  readonly count: number;
  /** R8: record writes of this incarnation that were not acknowledged and may have landed, or may still. */
  readonly unsettled: number;
  /** Reads that failed in a row. Above 0 this server is blind. */
  readonly failures: number;
  /** The record as last read or acknowledged, for status only. */
  readonly record: Reading<OwnershipRecord> | undefined;
  readonly service: 'none' | 'starting' | 'running' | 'stopping';
  /** The last `wake` that was asked for. */
  readonly wakeAt: number | undefined;
}

type Pending = { op: 'read' } | { op: 'write'; record: OwnershipRecord };

/** R1, R8, R9: the record since its bytes last changed. */
export interface Observation {
  readonly reading: Reading<OwnershipRecord>;
  /** When the read that first showed these bytes returned. */
  readonly sinceAt: number;
  /** Further reads in a row that showed the same bytes. */
  readonly unchanged: number;
  /** Start of the last good read that showed them. */
  readonly lastStartedAt: number;
  readonly heartbeat: HeartbeatSeen | undefined;
}

/** R8: this server saw the count of `epoch` grow; its last read of the older count began at `olderStartedAt`. */
export interface HeartbeatSeen {
  readonly epoch: number;
  readonly incarnation: string;
  readonly olderStartedAt: number;
}

/** R0: the own slot as it looked when somebody else had last written it. */
interface OwnSlotSight {
  readonly bytes: string;
  /** When the read that first showed these bytes returned. */
  readonly sinceAt: number;
  /** How often another incarnation changed it: during the watch, then from its end on. */
  readonly foreignMoves: number;
}

/** R3: where the next epoch comes from. */
export interface Epochs {
  /** The highest one in the record, in any slot, in a refusal, used or reserved by this server. */
  readonly highest: number;
  /** The highest one that somebody claimed or was granted: a reservation must lie above it. */
  readonly claimed: number;
  /** The epoch of the next claim, once it was chosen; `ackAt` when the slot that carries it was acknowledged. */
  readonly reserved: { readonly epoch: number; readonly ackAt: number | undefined } | undefined;
}

/** One server's slot as this server sees it. */
export interface PeerSight {
  /** '' while its slot could never be read. */
  readonly node: string;
  readonly bytes: string;
  /** When it was last seen to have been written; undefined when never. */
  readonly movedAt: number | undefined;
}

/** R10: what the newest record says of a pause. Newest is the highest epoch, and of that the highest count. */
export interface PauseSight {
  readonly pause: Pause | null;
  readonly epoch: number;
  readonly count: number;
  /** Pauses of records up to this epoch were lifted, for this server alone. */
  readonly liftedEpoch: number;
  /** A takeover is held back at present. */
  readonly holds: boolean;
}

interface SlotTrack {
  readonly counter: number;
  readonly nextAt: number;
  readonly writing: NodeSlot | undefined;
}

export type Phase =
  | { readonly role: 'starting' }
  /** `waiting`: dead by R1, R8 or R9, but the reservation of the epoch is not acknowledged yet (R3). */
  | { readonly role: 'standby'; readonly waiting: boolean }
  | { readonly role: 'claiming'; readonly claim: OwnershipRecord; readonly decidedAt: number }
  | Settling
  | { readonly role: 'active'; readonly tenure: Tenure }
  | Stopping
  | Releasing
  | { readonly role: 'ended' };

export interface Settling {
  readonly role: 'settling';
  readonly step: 'waiting' | 'reading' | 'establishing' | 'confirming';
  readonly claim: OwnershipRecord;
  /** cs: start of the write of the claim. */
  readonly claimStartedAt: number;
  /** Acknowledgement of the claim + 1.12 S. */
  readonly settleAt: number;
  /** Start of the settling read: where the first lease begins. */
  readonly readStartedAt: number;
  /** Acknowledgement of the ownership's write. */
  readonly establishedAt: number;
}

export interface Stopping {
  readonly role: 'stopping';
  readonly tenure: Tenure;
  /** R8: heartbeats go on while the service ends, and the area is released afterwards. */
  readonly releasing: boolean;
  /** R8: named in the release; '' for none. */
  readonly successor: string;
  readonly how: 'grace' | 'now';
  readonly next: Next;
  /** What it stops by: the end of it is told by the same. */
  readonly rule: string;
  readonly reason: string;
}

interface Releasing {
  readonly role: 'releasing';
  readonly tenure: Tenure;
  readonly successor: string;
  readonly next: Next;
  readonly reason: string;
}

/** What follows when a server has stopped being active. */
export type Next =
  { readonly do: 'observe' } | { readonly do: 'end'; readonly exitCode: number; readonly reason: string };

/** One ownership, from its establishment to its end. */
export interface Tenure {
  readonly epoch: number;
  readonly leaseEndsAt: number;
  /** R5: start of the cycle under way, or of the last one. */
  readonly cycleStartedAt: number;
  readonly nextCycleAt: number;
  /** R7: a read is wanted at once. */
  readonly hurry: boolean;
  readonly access: Access;
  /** R10: what every record carries that is issued from now on. */
  readonly pause: Pause | null;
}

/** R7: how far this server is on its way into the data area. */
export type Access =
  | { readonly state: 'obtaining' }
  | { readonly state: 'retry'; readonly retryAt: number }
  /** A read that starts from `grantedAt` on must show the own ownership. */
  | { readonly state: 'granted'; readonly grantedAt: number }
  | { readonly state: 'verified' }
  | { readonly state: 'lost'; readonly lostAt: number }
  /** The next epoch goes into the own slot first, then into the record with a heartbeat. */
  | {
      readonly state: 'raising';
      readonly to: number;
      readonly grantedEpoch: number;
      readonly reserved: boolean;
    };

/** A server that has not been started. Its first event is `start`. */
export function initialState(identity: Identity): State {
  return {
    identity,
    phase: { role: 'starting' },
    header: '',
    pending: { op: 'read' },
    observation: undefined,
    observeAt: 0,
    ownSlot: { bytes: '', sinceAt: 0, foreignMoves: 0 },
    epochs: { highest: 0, claimed: 0, reserved: undefined },
    slot: { counter: 0, nextAt: 0, writing: undefined },
    peers: [],
    pauses: { pause: null, epoch: -1, count: -1, liftedEpoch: -1, holds: false },
    count: 0,
    unsettled: 0,
    failures: 0,
    record: undefined,
    service: 'none',
    wakeAt: undefined,
  };
}

/** The ownership this server has, within its lease or while it is being ended. */
export function tenureOf(phase: Phase): Tenure | undefined {
  return 'tenure' in phase ? phase.tenure : undefined;
}

/** The epoch of the claim or the ownership; 0 without one. */
export function epochOf(phase: Phase): number {
  if ('claim' in phase) return phase.claim.epoch;
  return tenureOf(phase)?.epoch ?? 0;
}
