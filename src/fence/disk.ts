import { pathToFileURL } from 'node:url';
import type { AccessOutcome, DataAccess } from '../ports/data-access.ts';
import { RESERVATION_TYPE } from '../ports/reservable-unit.ts';
import { GIVEN_UP, patienceFor, takeReservation } from './persistent-reservation.ts';
import { reservationKey } from './reservation-key.ts';
import { watchReservation } from './reservation-watch.ts';
import { SgUnit } from './sg-unit.ts';

export interface DiskOptions {
  /** As /dev/disk/by-id/NAME. */
  path: string;
  /** Of this server in the quorum area. */
  slot: number;
  /** How many the quorum area has. */
  slots: number;
  /** How often to look who holds the disk. */
  checkEveryMs: number;
}

/** How long the programs may take when nothing waits for them yet. */
const PROBE_MS = 10_000;
/** A look at a disk takes two processes: not more often than this, whatever T is. */
const LEAST_CHECK_MS = 1000;

/**
 * The data area on a SCSI disk of this machine, which the service opens itself. A reservation binds the kernel's session with
 * the disk, so it lets in whatever runs on this server: who was the owner's service before is ended by the agent and its
 * guard, and by nobody else. Other servers are shut out by the disk.
 */
export class DiskAccess implements DataAccess {
  readonly fencing = 'reservation';
  readonly #options: DiskOptions;
  readonly #unit: SgUnit;
  #stopWatching: (() => void) | undefined;
  /** Raised by whatever makes an attempt under way pointless. */
  #attempt = 0;
  #onLost: (epoch: number, reason: string) => void = () => {};

  /** Rejects with `DeviceUnusable` for a path that is no SCSI disk, takes no reservations, or without sg3-utils. */
  static async open(options: DiskOptions): Promise<DiskAccess> {
    const unit = new SgUnit(options.path);
    await unit.probe(PROBE_MS);
    return new DiskAccess(options, unit);
  }

  private constructor(options: DiskOptions, unit: SgUnit) {
    this.#options = options;
    this.#unit = unit;
  }

  uriFor(): string {
    return pathToFileURL(this.#options.path).href;
  }

  onLost(listener: (epoch: number, reason: string) => void): void {
    this.#onLost = listener;
  }

  async obtain(epoch: number, deadlineMs: number): Promise<AccessOutcome> {
    await this.giveUp();
    const attempt = this.#attempt;
    const { slot, slots } = this.#options;
    const key = reservationKey(slot, epoch);
    const outcome = await takeReservation({
      paths: [this.#unit],
      key,
      epoch,
      slots,
      type: RESERVATION_TYPE.exclusiveAccess,
      ...patienceFor(deadlineMs),
      isGivenUp: () => attempt !== this.#attempt,
    });
    if (attempt !== this.#attempt) return GIVEN_UP;
    if (outcome.kind === 'granted') this.#watch(epoch, key);
    return outcome;
  }

  /** The reservation stays, for the next owner to preempt: a disk that nobody holds is open to all. */
  async giveUp(): Promise<void> {
    this.#attempt += 1;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.giveUp();
  }

  #watch(epoch: number, key: bigint): void {
    const { path, checkEveryMs } = this.#options;
    const attempt = this.#attempt;
    const lose = (reason: string) => {
      if (attempt !== this.#attempt) return;
      void this.giveUp();
      this.#onLost(epoch, reason);
    };
    const watched = { name: path, path: () => this.#unit, lose };
    this.#stopWatching = watchReservation(watched, key, Math.max(checkEveryMs, LEAST_CHECK_MS));
  }
}
