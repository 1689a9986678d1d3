import { RequestFailed } from '../ports/block-device.ts';
import type { AccessOutcome } from '../ports/data-access.ts';
import {
  type ReservableUnit,
  type Reservation,
  RESERVATION_TYPE,
  type ReservationType,
} from '../ports/reservable-unit.ts';
import { epochOfKey, showKey } from './reservation-key.ts';

/** One attempt at the reservation of a unit. */
export interface Attempt {
  /** One nexus for each path to the unit, each opened for this attempt: nothing of an earlier one counts. */
  paths: readonly [ReservableUnit, ...ReservableUnit[]];
  /** Of this server and its epoch. */
  key: bigint;
  epoch: number;
  /** Of the quorum area: what keys of this cluster look like. */
  slots: number;
  /** Exclusive Access where the server has one path, Registrants Only where it may have several. */
  type: ReservationType;
  /** Of each command. */
  deadlineMs: number;
  /** Of the reset, which is not answered before what is queued in the target is through. */
  resetDeadlineMs: number;
  /** True once nobody wants the unit any more: nothing more is taken away from anybody. */
  isGivenUp(): boolean;
}

/** Who has registered with the unit, one key for each nexus, and who holds it. */
interface Sight {
  keys: readonly bigint[];
  reservation: Reservation | undefined;
}

export const GIVEN_UP = { kind: 'failed', reason: 'given up before it was granted' } as const;

/** A reset may take a while on a busy target; one that never comes back must not be waited for much longer than that. */
const RESET_DEADLINES = 10;

/** What each step of an attempt may take, where one request has `deadlineMs` (q). */
export function patienceFor(deadlineMs: number): Pick<Attempt, 'deadlineMs' | 'resetDeadlineMs'> {
  return { deadlineMs, resetDeadlineMs: RESET_DEADLINES * deadlineMs };
}

/** How often somebody else may come in between before the attempt counts as failed. */
const MOST_ROUNDS = 8;

/**
 * R7 over persistent reservations: takes the unit away from every older epoch, waits until nothing of an older owner
 * can still be written, and sees that it holds it. `granted` says all of that, for these nexuses and no others.
 * Whatever comes of it, nothing is given back: a unit without a reservation is open to all. Never rejects.
 */
export async function takeReservation(attempt: Attempt): Promise<AccessOutcome> {
  try {
    return await take(attempt);
  } catch (error) {
    const { message: reason } = error as Error;
    return isConflict(error)
      ? { kind: 'refused', grantedEpoch: undefined, reason }
      : { kind: 'failed', reason };
  }
}

async function take(attempt: Attempt): Promise<AccessOutcome> {
  const { paths, key, epoch, type } = attempt;
  // To register it would be to unregister.
  if (key === 0n) return { kind: 'refused', grantedEpoch: epoch, reason: `epoch ${epoch} has no key` };
  await register(attempt, paths[0]);
  for (let round = 0, drained = false; round < MOST_ROUNDS; round += 1) {
    const seen = await look(attempt, paths[0]);
    if (attempt.isGivenUp()) return GIVEN_UP;
    const barred = barrier(seen, attempt);
    if (barred !== undefined) return barred;
    const held = isHeld(seen, key, type, 1);
    if (held && drained) return await joinOtherPaths(attempt);
    drained = (held || (await seize(attempt, seen))) && (await drain(attempt));
  }
  return { kind: 'failed', reason: `others came in between, ${MOST_ROUNDS} times in a row` };
}

/**
 * One more path to a unit that this server holds already, over several: the same key on a new nexus. False when the unit is
 * not held under that key any more. What was seen before the registration does not count: an owner that came in between
 * has not preempted this nexus.
 */
export async function joinReservation(
  path: ReservableUnit,
  attempt: Pick<Attempt, 'key' | 'deadlineMs'>,
): Promise<boolean> {
  await register(attempt, path);
  const { keys, reservation } = await look(attempt, path);
  const isShared = reservation?.type === RESERVATION_TYPE.exclusiveAccessRegistrantsOnly;
  return isShared && reservation.key === attempt.key && keys.every((key) => key === attempt.key);
}

/** A nexus that was used before may have been told already that it was preempted: that is about former times. */
async function register(
  { key, deadlineMs }: Pick<Attempt, 'key' | 'deadlineMs'>,
  path: ReservableUnit,
): Promise<void> {
  await patiently(() => path.registerKey(key, deadlineMs), isAttention);
}

async function look({ deadlineMs }: Pick<Attempt, 'deadlineMs'>, path: ReservableUnit): Promise<Sight> {
  const { keys } = await patiently(() => path.readKeys(deadlineMs), isHarmless);
  const reservation = await patiently(() => path.readReservation(deadlineMs), isHarmless);
  return { keys, reservation };
}

/** What forbids to take the unit: a newer epoch, which is never preempted, or somebody who is not of this cluster. */
function barrier(
  { keys, reservation }: Sight,
  { key: own, epoch, slots }: Attempt,
): AccessOutcome | undefined {
  const others = new Set([...keys, ...holderOf(reservation)].filter((key) => key !== own));
  const epochs = [...others].map((key) => epochOfKey(key, { slots, epoch }));
  const stranger = [...others].find((_, index) => epochs[index] === undefined);
  if (stranger !== undefined) {
    const shown = `key ${showKey(stranger)} is registered with the unit and is none of this cluster's`;
    const reason = `${shown}: who else uses it? If nobody does, clear it (sg_persist --clear, or the array's console)`;
    return { kind: 'failed', reason };
  }
  const highest = Math.max(...epochs.map((each) => each!));
  if (others.size === 0 || highest < epoch) return undefined;
  return { kind: 'refused', grantedEpoch: highest, reason: `the unit was taken under epoch ${highest}` };
}

/** A reservation of all registrants (types 7 and 8) is shown with key 0 (SPC-4, 6.15.3.2). */
function holderOf(reservation: Reservation | undefined): bigint[] {
  return reservation === undefined || reservation.key === 0n ? [] : [reservation.key];
}

/** The own key stands there once for each nexus of this attempt, no other does, and it holds. */
function isHeld({ keys, reservation }: Sight, own: bigint, type: ReservationType, nexuses: number): boolean {
  const alone = keys.length === nexuses && keys.every((key) => key === own);
  return alone && reservation?.key === own && reservation.type === type;
}

/** Preempts everybody, and reserves a unit that nobody held. False when what was seen turned out not to be so any more. */
async function seize(attempt: Attempt, seen: Sight): Promise<boolean> {
  const { paths, key, type, deadlineMs } = attempt;
  const [path] = paths;
  const victims = victimsIn(seen, key, type);
  let abort =
    victims.length > 0 && (await patiently(() => path.supportsPreemptAndAbort(deadlineMs), isHarmless));
  try {
    for (const victim of victims) abort = await preempt(attempt, victim, abort);
    if (seen.reservation === undefined)
      await patiently(() => path.reserve(key, type, deadlineMs), isHarmless);
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

/** The holder first: only that takes over its reservation. The own key stands for sessions of one's own that are gone. */
function victimsIn({ keys, reservation }: Sight, own: bigint, type: ReservationType): bigint[] {
  if (reservation?.key === 0n) return [0n];
  const others = keys.filter((key) => key !== own);
  const isOwnOld = keys.length - others.length > 1;
  const isOtherType = reservation?.key === own && reservation.type !== type;
  return [...new Set([...holderOf(reservation), ...others, own])].filter(
    (key) => key !== own || isOwnOld || isOtherType,
  );
}

/** Ends what the victim has under way too, where the target knows how. Returns whether it does: it may turn out not to. */
async function preempt(
  { paths: [path], key, type, deadlineMs }: Attempt,
  victim: bigint,
  abort: boolean,
): Promise<boolean> {
  try {
    await patiently(() => path.preempt(key, victim, type, deadlineMs, abort), isHarmless);
    return abort;
  } catch (error) {
    if (!abort || !codeOf(error).startsWith('ILLEGAL REQUEST')) throw error;
    await patiently(() => path.preempt(key, victim, type, deadlineMs, false), isHarmless);
    return false;
  }
}

/**
 * PREEMPT does not stop what is queued; the answer to a reset says that nothing of it is left. PREEMPT AND ABORT would be
 * enough for what its own victim had queued, but not for what an owner before that one had: the abort that was to end
 * it may never have been waited for, and need not be through (found by the model, model/reservations.test.ts).
 */
async function drain({ paths: [path], resetDeadlineMs }: Attempt): Promise<true> {
  await path.resetLogicalUnit(resetDeadlineMs);
  return true;
}

/** The unit is held by way of the first path; the others register the same key, and must then see the same. */
async function joinOtherPaths(attempt: Attempt): Promise<AccessOutcome> {
  const { paths, key, type } = attempt;
  const [, ...others] = paths;
  for (const path of others) await register(attempt, path);
  for (const path of others) {
    const seen = await look(attempt, path);
    const barred = barrier(seen, attempt);
    if (barred !== undefined) return barred;
    if (!isHeld(seen, key, type, paths.length)) {
      const reason = `another path sees ${seen.keys.map(showKey).join(', ') || 'no key'}: not the same unit, or not alone`;
      return { kind: 'failed', reason };
    }
  }
  return { kind: 'granted' };
}

/** Several things may have happened to a unit, and each is told once, instead of carrying out a command (SAM-5, 5.14). */
const MOST_ATTENTIONS = 8;

async function patiently<T>(act: () => Promise<T>, isExpected: (error: unknown) => boolean): Promise<T> {
  for (let attentions = 0; ; attentions += 1) {
    try {
      return await act();
    } catch (error) {
      if (attentions >= MOST_ATTENTIONS || !isExpected(error)) throw error;
    }
  }
}

function isAttention(error: unknown): boolean {
  return codeOf(error).startsWith('UNIT ATTENTION');
}

/** Anything but having been preempted meanwhile: RESERVATIONS PREEMPTED, REGISTRATIONS PREEMPTED. */
function isHarmless(error: unknown): boolean {
  return isAttention(error) && !/ 2A\/0[35]$/i.test(codeOf(error));
}

function isConflict(error: unknown): boolean {
  return codeOf(error) === 'RESERVATION CONFLICT';
}

function codeOf(error: unknown): string {
  return error instanceof RequestFailed ? error.code : '';
}
