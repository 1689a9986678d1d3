import type { Reservation } from '../ports/reservable-unit.ts';
import { endsAccess, type GrantedUnit, isAttention } from './granted-unit.ts';
import { showKey } from './reservation-key.ts';

/** A target that answers nothing for so long is no target any more; held up it may be for a while. */
const CHECK_DEADLINE_MS = 10_000;

/**
 * Looks every `everyMs` who holds the unit, for a server that writes nothing would not learn otherwise that it was shut
 * out. A target answers this from memory, and answers it to anybody. Returns what stops the watch.
 */
export function watchReservation(unit: GrantedUnit, key: bigint, everyMs: number): () => void {
  let isUnderWay = false;
  const timer = setInterval(() => {
    if (isUnderWay) return;
    isUnderWay = true;
    void check(unit, key).then(() => (isUnderWay = false));
  }, everyMs);
  return () => clearInterval(timer);
}

/** A check that fails says nothing, unless it says who was preempted: the session's own end is told elsewhere. */
async function check(unit: GrantedUnit, key: bigint): Promise<void> {
  const [path] = unit.paths;
  if (path === undefined) return;
  try {
    const reservation = await path.readReservation(CHECK_DEADLINE_MS);
    if (reservation?.key !== key) unit.lose(`${path.name}: ${heldBy(reservation)}`);
  } catch (error) {
    if (endsAccess(error)) unit.lose((error as Error).message);
    // Told once, and something else than an answer: the next look shows what is left of the reservation.
    else if (isAttention(error)) await check(unit, key);
  }
}

function heldBy(reservation: Reservation | undefined): string {
  return reservation === undefined
    ? 'nobody holds the unit any more: its target forgot its reservations'
    : `the unit is held by ${showKey(reservation.key)} now`;
}
