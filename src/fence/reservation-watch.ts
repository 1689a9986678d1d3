import type { ReservableUnit, Reservation } from '../ports/reservable-unit.ts';
import { endsAccess, isAttention } from './granted-unit.ts';
import { showKey } from './reservation-key.ts';

/** What is watched: a unit that access was granted to. */
interface Watched {
  /** For messages. */
  readonly name: string;
  /** The way to ask now; undefined when there is none. */
  path(): ReservableUnit | undefined;
  lose(reason: string): void;
  /** Hears what the unit told instead of an answer. */
  told?(attention: unknown): void;
}

/** A target that answers nothing for so long is no target any more; held up it may be for a while. */
const CHECK_DEADLINE_MS = 10_000;

/**
 * Looks every `everyMs` who holds the unit, for a server that writes nothing would not learn otherwise that it was shut
 * out. A target answers this from memory, and answers it to anybody. Returns what stops the watch.
 */
export function watchReservation(watched: Watched, key: bigint, everyMs: number): () => void {
  let isUnderWay = false;
  const timer = setInterval(() => {
    if (isUnderWay) return;
    isUnderWay = true;
    void check(watched, key).then(() => (isUnderWay = false));
  }, everyMs);
  return () => clearInterval(timer);
}

/** What happened to a unit is told once each (SAM-5, 5.14); a target that has always something to tell is not heard out. */
const MOST_ATTENTIONS = 8;

/** A check that fails says nothing, unless it says who was preempted: the end of a session is told elsewhere. */
async function check(watched: Watched, key: bigint): Promise<void> {
  for (let attentions = 0; attentions <= MOST_ATTENTIONS; attentions += 1) {
    const path = watched.path();
    if (path === undefined) return;
    try {
      const reservation = await path.readReservation(CHECK_DEADLINE_MS);
      if (reservation?.key !== key) watched.lose(`${watched.name}: ${heldBy(reservation)}`);
      return;
    } catch (error) {
      if (endsAccess(error)) return watched.lose((error as Error).message);
      // Told once, instead of an answer: the next look shows what is left of the reservation.
      if (!isAttention(error)) return;
      watched.told?.(error);
    }
  }
}

function heldBy(reservation: Reservation | undefined): string {
  return reservation === undefined
    ? 'nobody holds the unit any more: its target forgot its reservations'
    : `the unit is held by ${showKey(reservation.key)} now`;
}
