/**
 * A logical unit whose persistent reservation can be taken and taken away (SPC-4, 5.13): one I_T nexus to it. A
 * reservation binds the nexus and not the machine, so a unit that was opened anew holds nothing yet, whatever its target
 * remembers.
 *
 * Every call is one command, sent once. Rejects with `RequestFailed` when the target said no: its `code` is the status
 * or the sense in words, `RESERVATION CONFLICT`, `UNIT ATTENTION 29/00`, `ILLEGAL REQUEST 20/00`; with `OutcomeUnknown` at
 * the deadline or when the nexus broke: it may have been carried out, and may still be.
 */
export interface ReservableUnit {
  /** REGISTER AND IGNORE EXISTING KEY, for this nexus alone. */
  registerKey(key: bigint, deadlineMs: number): Promise<void>;
  /** READ KEYS: one for each registered nexus, so the same one may stand there more than once. */
  readKeys(deadlineMs: number): Promise<{ generation: number; keys: readonly bigint[] }>;
  /** READ RESERVATION; undefined while nobody holds one. The key is 0 where all registrants hold it (types 7 and 8). */
  readReservation(deadlineMs: number): Promise<Reservation | undefined>;
  /** RESERVE under the own key, which must be registered. */
  reserve(key: bigint, type: ReservationType, deadlineMs: number): Promise<void>;
  /** PREEMPT, or PREEMPT AND ABORT: every other nexus with the victim's key loses its registration, and its reservation. */
  preempt(
    own: bigint,
    victim: bigint,
    type: ReservationType,
    deadlineMs: number,
    abort: boolean,
  ): Promise<void>;
  /** Whether the target knows PREEMPT AND ABORT (REPORT SUPPORTED OPERATION CODES); false where it does not say. */
  supportsPreemptAndAbort(deadlineMs: number): Promise<boolean>;
  /** LOGICAL UNIT RESET: when it is answered, nothing that was queued before it can have an effect any more. */
  resetLogicalUnit(deadlineMs: number): Promise<void>;
}

/** Who holds the unit. `type` as the target names it: it may be any of SPC-4, table 68. */
export interface Reservation {
  key: bigint;
  type: number;
}

/** Exclusive Access: the holder's nexus alone. Registrants Only: every registered nexus, for several paths to one unit. */
export const RESERVATION_TYPE = { exclusiveAccess: 3, exclusiveAccessRegistrantsOnly: 6 } as const;
export type ReservationType = (typeof RESERVATION_TYPE)[keyof typeof RESERVATION_TYPE];

/** What a server takes a unit by that it has so many paths to. */
export function reservationTypeFor(paths: number): ReservationType {
  return paths > 1 ? RESERVATION_TYPE.exclusiveAccessRegistrantsOnly : RESERVATION_TYPE.exclusiveAccess;
}
