import type { AccessOutcome } from '../../ports/data-access.ts';
import { type ReservableUnit, reservationTypeFor } from '../../ports/reservable-unit.ts';
import { joinReservation, takeReservation } from '../persistent-reservation.ts';
import { reservationKey } from '../reservation-key.ts';
import type { Session } from './session.fixture.ts';

/** The ownership record as far as it matters here: whose it is. */
export interface Owner {
  slot: number;
  epoch: number;
}

/** How a server goes about it: R7 as it is, or weakened from outside. */
export interface Manners {
  /** What stands between the procedure and the unit. */
  through?(port: ReservableUnit, key: bigint): ReservableUnit;
  giveUp?(session: Session): void;
  /** In the place of joinReservation. */
  join?(port: ReservableUnit, key: bigint): Promise<boolean>;
}

/** What a server needs of the world it is in. */
interface Surroundings {
  open(owner: Owner): Session;
  readRecord(slot: number): Promise<Owner>;
  /** The owner raises its own epoch above `granted`. */
  raise(slot: number, granted: number): number;
  /** The procedure said `granted`. */
  letIn(owner: Owner): void;
}

const patience = { deadlineMs: 1000, resetDeadlineMs: 1000, isGivenUp: () => false };
const MOST_BURSTS = 16;
const MOST_ATTEMPTS = 12;

/** One server from the moment on at which the record says it is the owner: obtain, read the record again, serve (R7). */
export class Server {
  readonly slot: number;
  /** It does not get to see an answer. */
  isFrozen = false;
  /** What it sends does not get there yet. */
  isHeld = false;
  sessions: Session[] = [];
  /** Under which it was let in; 0 while it was not. */
  #granted = 0;
  readonly #about: Surroundings;
  readonly #manners: Manners;
  readonly #paths: number;
  readonly #slots: number;
  #life = 0;

  constructor(
    slot: number,
    about: Surroundings,
    options: { manners: Manners; paths: number; slots: number },
  ) {
    this.slot = slot;
    this.#about = about;
    this.#manners = options.manners;
    this.#paths = options.paths;
    this.#slots = options.slots;
  }

  /** It owns the quorum area under this epoch. Whatever it did before is over. Ends when it has served, or has lost it. */
  async own(epoch: number): Promise<void> {
    this.#leave();
    const life = (this.#life += 1);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const outcome = await this.obtain(epoch);
      if (life !== this.#life) return;
      const owner = await this.#about.readRecord(this.slot);
      if (life !== this.#life) return;
      if (owner.slot !== this.slot || owner.epoch !== epoch) return this.#leave();
      if (outcome.kind === 'granted' && (await this.#serve())) return;
      if (life !== this.#life) return;
      const granted = outcome.kind === 'refused' ? (outcome.grantedEpoch ?? 0) : 0;
      if (granted >= epoch) epoch = this.#about.raise(this.slot, granted);
    }
  }

  /** A clean stop: it leaves the data area to whoever comes next. */
  retire(): void {
    this.#life += 1;
    this.#leave();
  }

  /** One more path to a unit that it holds over several. */
  async rejoin(): Promise<boolean> {
    const { sessions } = this;
    const epoch = this.#granted;
    if (epoch === 0 || this.#paths === 1) return false;
    const session = this.#about.open({ slot: this.slot, epoch });
    const key = reservationKey(this.slot, epoch);
    const port = this.#manners.through?.(session.port, key) ?? session.port;
    const join = this.#manners.join?.(port, key) ?? joinReservation(port, { key, deadlineMs: 1000 });
    const isJoined = await join.catch(() => false);
    if (!isJoined || this.sessions !== sessions) {
      session.cut();
      return false;
    }
    sessions.unshift(session);
    // Its service may write at any time; here it does so as soon as there is one more way.
    void this.#serve().then((isServed) => !isServed && this.sessions === sessions && this.retire());
    return true;
  }

  /** One attempt on new sessions. */
  async obtain(epoch: number): Promise<AccessOutcome> {
    this.#leave();
    const owner = { slot: this.slot, epoch };
    const sessions = Array.from({ length: this.#paths }, () => this.#about.open(owner));
    this.sessions = sessions;
    const key = reservationKey(this.slot, epoch);
    const through = this.#manners.through ?? ((port) => port);
    const [first, ...others] = sessions.map((each) => through(each.port, key));
    const outcome = await takeReservation({
      paths: [first!, ...others],
      key,
      epoch,
      slots: this.#slots,
      type: reservationTypeFor(this.#paths),
      ...patience,
    });
    const isStillWanted = this.sessions === sessions;
    if (outcome.kind === 'granted' && isStillWanted) {
      this.#granted = epoch;
      this.#about.letIn(owner);
    }
    return outcome;
  }

  /** Writes eight at a time, over every path. False when a write tells it that the data area is lost. */
  async #serve(): Promise<boolean> {
    const { sessions } = this;
    for (let burst = 0; burst < MOST_BURSTS; burst += 1) {
      const working = sessions.filter(({ isBroken }) => !isBroken);
      if (working.length === 0) return false;
      const writes = Array.from({ length: 8 }, (_, n) => working[n % working.length]!.write());
      const results = await Promise.allSettled(writes);
      if (results.some(({ status }) => status === 'rejected')) return false;
    }
    return true;
  }

  /** Giving up is not to use it any more: the sessions end, the reservation stays. */
  #leave(): void {
    const { sessions } = this;
    this.sessions = [];
    this.#granted = 0;
    for (const session of sessions) {
      this.#manners.giveUp?.(session);
      session.cut();
    }
  }
}
