import type { AreaReading, OwnershipRecord, ProtocolEntry, Role, Timings } from '../types.ts';
import type { MachineOf } from './machine.fixture.ts';

/**
 * What is to happen in one run of the model, and what came of it. Time is the model's own, in milliseconds; a server
 * sees only its own clock. Same plan, same run.
 */
export interface Plan {
  seed: number;
  servers: number;
  /** What stands in the header. */
  timings: Timings;
  /** Chance, per request, that something goes wrong with it. */
  noise: number;
  /** Chance, per request, that the scheduler strikes right before or after its start was noted. */
  hesitation: number;
  faults: readonly Fault[];
  /** Faults and noise end here; what they delayed may come later. */
  quietAt: number;
  untilAt: number;
  /**
   * Slot writes may land after their deadline, too. A slot is one sector: a late write of it can take a reserved epoch
   * out again after the server has crashed, and then the epoch is used twice (R3 knows no remedy).
   */
  lateSlots: boolean;
  /** Largest deviation of a clock's rate. */
  drift: number;
  machine: MachineOf;
  /** What a storage node that lost its last grant begins with: no epoch up to this one is granted. At none when left out. */
  floorOf?: (area: AreaReading) => number;
  /** How fast storage and scheduler are where nothing is wrong; drawn at random when left out. */
  pace?: Pace;
  /** Goes on after the first violation. */
  toTheEnd?: true;
}

/** Milliseconds of the model, by the number of the server. */
export interface Pace {
  /** One way of a request, or of its answer. */
  oneWayMs(server: number, what: 'read' | 'write', way: 'there' | 'back'): number;
  /** How much later than asked for a server wakes up. */
  lateMs(server: number): number;
}

/** Which server: by number, by what it does when the fault strikes, or the one whose new role made it strike. */
export type Target = number | 'active' | 'standby' | 'subject';
/** At an instant, or so long after some server did this for the nth time, counted from `fromAt` on. */
export type When = { at: number } | { on: Role | 'decided'; nth: number; fromAt: number; afterMs: number };
export type Fault = { server: Target; when: When } & (
  | /** The server runs nothing, its service included; what it issued before goes on. */
    { kind: 'stall'; forMs: number }
    /** The same, from right before its next record write is sent: its start is noted already. */
  | { kind: 'hesitate'; forMs: number }
  /** The same, from right after its next read is sent: the answer is looked at so much later. */
  | { kind: 'linger'; forMs: number }
  /** All of the server is gone at once, and comes back as a new incarnation. */
  | { kind: 'crash'; forMs: number }
  /** No request gets through; writes are lost, or land when it is over. */
  | { kind: 'cut'; forMs: number; lands: boolean }
  /** The next record write with this status lands `forMs` later than it should. */
  | { kind: 'hold'; forMs: number; status: 0 | 1 }
  /**
   * The next record write with this status is answered with an error. One that `lands` does so `forMs` later than it
   * should, for all that; the other was never sent.
   */
  | { kind: 'error'; forMs: number; status: 0 | 1; lands: boolean }
  | { kind: 'release' }
  /** R8: to the server after it, in order; `force` as in the event. */
  | { kind: 'hand-over'; force: boolean }
  /** R10. Whenever there was a pause, somebody asks every server to resume once it is quiet, again and again. */
  | { kind: 'pause' }
  | { kind: 'resume' }
  /** The service ends by itself. */
  | { kind: 'exit' }
  /** Somebody who is no agent writes over the record. */
  | { kind: 'wipe' }
  | { kind: 'damage' }
  /** The storage node is started again, and its last grant is lost. */
  | { kind: 'forget' }
  /** The header is rewritten under running agents. */
  | { kind: 'lay-out'; timings: Timings }
);

export interface Outcome {
  /** What was promised and did not hold. */
  violations: string[];
  /** Becoming active, by whom, with which epoch. */
  takeovers: { at: number; server: number; epoch: number }[];
  /** Writes of a service that changed the data area, and those that were shut out. */
  dataWrites: { accepted: number; refused: number };
  /** Records that reached the disk. */
  landed: { at: number; record: OwnershipRecord }[];
  /** From then on nothing goes wrong any more, and nothing that had been delayed arrives. */
  calmSince: number;
  /** When somebody's service last came up and has not ended since; undefined when nobody serves. */
  servingSince: number | undefined;
  journal: { at: number; server: number; entry: ProtocolEntry }[];
}
