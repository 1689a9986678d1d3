import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import { otherUnit } from '../block/iscsi/same-unit.ts';
import type { IscsiAddress } from '../block/uri-iscsi.ts';
import { formatNbdUri } from '../block/uri-nbd.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import type { AccessOutcome, DataAccess } from '../ports/data-access.ts';
import { reservationTypeFor } from '../ports/reservable-unit.ts';
import { Bridge } from './bridge.ts';
import { type Claimant, dataExport } from './data-export.ts';
import { GrantedUnit } from './granted-unit.ts';
import { PathRepair } from './path-repair.ts';
import { answering, described, isJoined, leaving, left, strangePath } from './paths.ts';
import { GIVEN_UP, patienceFor, takeReservation } from './persistent-reservation.ts';
import { reservationKey } from './reservation-key.ts';
import { watchReservation } from './reservation-watch.ts';
import { openIscsiPath, type UnitPath } from './unit-path.ts';

export interface UnitAccessOptions {
  /** Paths to one unit. */
  addresses: readonly [IscsiAddress, ...IscsiAddress[]];
  /** `none`: everybody is let in, and nobody shut out; the service finds the data area in the same way. */
  fencing: 'reservation' | 'none';
  claimant: Claimant;
  /** Of this server in the quorum area. */
  slot: number;
  /** How many the quorum area has. */
  slots: number;
  /** Where the service finds the data area. */
  socketPath: string;
  /** How often to look who holds the unit. */
  checkEveryMs: number;
  /** One line for people: a path was lost, or is back. */
  warn(text: string): void;
  openPath?: typeof openIscsiPath;
}

/** What access consists of, and what ends it. */
interface Held {
  bridge: Bridge;
  /** The watch of the reservation, and what brings back lost paths. */
  stop(): void;
}

/** A lost path is tried again every so many looks at the reservation: each try is a login. */
const REPAIR_INTERVALS = 5;

/**
 * The data area on a unit of an iSCSI target. A reservation binds the session that took it, so the agent keeps that
 * session for as long as the access is wanted, and serves the unit over it to its service. Giving up ends the session and
 * leaves the reservation, for the next owner to preempt: a unit that nobody holds is open to all.
 */
export class UnitAccess implements DataAccess {
  readonly fencing: 'reservation' | 'none';
  readonly #options: UnitAccessOptions;
  /** Those of the attempt under way, and of the access that came of it. */
  #paths: UnitPath[] = [];
  #held: Held | undefined;
  /** What the unit called itself that access was granted to before. */
  #knownAs = '';
  /** Raised by whatever makes an attempt under way pointless. */
  #attempt = 0;
  #onLost: (epoch: number, reason: string) => void = () => {};

  constructor(options: UnitAccessOptions) {
    this.#options = options;
    this.fencing = options.fencing;
  }

  uriFor(epoch: number): string {
    const { socketPath, claimant } = this.#options;
    return formatNbdUri({ socketPath }, dataExport(claimant, epoch));
  }

  onLost(listener: (epoch: number, reason: string) => void): void {
    this.#onLost = listener;
  }

  /** `deadlineMs` (q) is that of each command: an attempt has many, and lasts as long as its target keeps answering. */
  async obtain(epoch: number, deadlineMs: number): Promise<AccessOutcome> {
    void this.giveUp();
    const attempt = this.#attempt;
    try {
      const opened = await this.#openPaths(epoch, deadlineMs);
      const paths = [...opened.values()];
      if (attempt !== this.#attempt) return leaving(paths, GIVEN_UP);
      this.#paths = paths;
      const identity = await this.#identityOf(paths[0]!, deadlineMs);
      const outcome = await this.#take(paths, epoch, deadlineMs);
      const unit = outcome.kind === 'granted' ? await described(opened, deadlineMs) : undefined;
      if (attempt === this.#attempt && unit !== undefined)
        await this.#hold(unit.paths, unit.info, epoch, deadlineMs);
      if (attempt !== this.#attempt) return GIVEN_UP;
      if (outcome.kind === 'granted') this.#knownAs = identity;
      if (outcome.kind !== 'granted') void this.giveUp();
      return outcome;
    } catch (error) {
      if (attempt === this.#attempt) void this.giveUp();
      const { message: reason } = error as Error;
      return error instanceof DeviceUnusable
        ? { kind: 'refused', grantedEpoch: undefined, reason }
        : { kind: 'failed', reason };
    }
  }

  async giveUp(): Promise<void> {
    this.#attempt += 1;
    const { held, paths } = { held: this.#held, paths: this.#paths };
    this.#held = undefined;
    this.#paths = [];
    held?.stop();
    held?.bridge.close();
    await left(paths);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.giveUp();
  }

  /** All that can be opened and answer, by their number; rejects with what the first one failed of when none can. */
  async #openPaths(epoch: number, deadlineMs: number): Promise<ReadonlyMap<number, UnitPath>> {
    const { addresses } = this.#options;
    const opened = await Promise.allSettled(
      addresses.map((_, index) => this.#open(index, epoch, deadlineMs)),
    );
    const paths = new Map<number, UnitPath>();
    opened.forEach((each, index) => each.status === 'fulfilled' && paths.set(index, each.value));
    const [failed] = opened.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    if (paths.size === 0) throw failed!;
    return answering(paths, deadlineMs);
  }

  /** Rejects with DeviceUnusable for another unit than before: what the service wrote is not on that one. */
  async #identityOf(path: UnitPath, deadlineMs: number): Promise<string> {
    const identity = await path.identity(deadlineMs);
    const other = otherUnit(this.#knownAs, identity);
    if (other !== undefined) throw new DeviceUnusable(`${path.name}: ${other}`);
    return identity;
  }

  #open(index: number, epoch: number, deadlineMs: number): Promise<UnitPath> {
    const { addresses, claimant, openPath = openIscsiPath } = this.#options;
    const user = { node: claimant.node, alias: dataExport(claimant, epoch) };
    return openPath(addresses[index]!, user, deadlineMs);
  }

  async #take(paths: readonly UnitPath[], epoch: number, deadlineMs: number): Promise<AccessOutcome> {
    if (this.fencing === 'none') return { kind: 'granted' };
    const strange = await strangePath(paths, deadlineMs);
    if (strange !== undefined) return { kind: 'failed', reason: strange };
    const { slot, slots, addresses } = this.#options;
    const [first, ...others] = paths;
    return takeReservation({
      paths: [first!, ...others],
      key: reservationKey(slot, epoch),
      epoch,
      slots,
      type: reservationTypeFor(addresses.length),
      ...patienceFor(deadlineMs),
      isGivenUp: () => this.#paths !== paths,
    });
  }

  async #hold(
    opened: ReadonlyMap<number, UnitPath>,
    info: UnitInfo,
    epoch: number,
    deadlineMs: number,
  ): Promise<void> {
    const { socketPath, claimant } = this.#options;
    const attempt = this.#attempt;
    const unit = new GrantedUnit([...opened.values()], info, (reason) => {
      if (attempt !== this.#attempt || this.#held === undefined) return;
      void this.giveUp();
      this.#onLost(epoch, reason);
    });
    const bridge = await Bridge.open(socketPath, dataExport(claimant, epoch), unit);
    if (attempt === this.#attempt && unit.lostBecause === undefined) {
      this.#held = { bridge, stop: this.#lookAfter(unit, opened, epoch, deadlineMs) };
      return;
    }
    bridge.close();
    if (unit.lostBecause !== undefined)
      throw new Error(`lost again while it was being granted: ${unit.lostBecause}`);
  }

  /** Looks who holds the unit, and after its paths. Returns what ends that. */
  #lookAfter(
    unit: GrantedUnit,
    opened: ReadonlyMap<number, UnitPath>,
    epoch: number,
    deadlineMs: number,
  ): () => void {
    const { addresses, slot, checkEveryMs, warn } = this.#options;
    if (this.fencing === 'none') return () => {};
    const key = reservationKey(slot, epoch);
    const [first] = opened.values();
    const watched = {
      name: first!.name,
      path: () => unit.paths[0],
      lose: (reason: string) => unit.lose(reason),
      told: (attention: unknown) => unit.told(attention),
    };
    const stopWatching = watchReservation(watched, key, checkEveryMs);
    if (addresses.length === 1) return stopWatching;
    const paths = this.#paths;
    const repair = new PathRepair(opened, addresses.length, REPAIR_INTERVALS * checkEveryMs, {
      open: async (index) => {
        const path = await this.#open(index, epoch, deadlineMs);
        let joined = false;
        try {
          joined = await isJoined(path, unit, key, deadlineMs);
        } finally {
          if (!joined) void path.close();
        }
        return joined ? path : undefined;
      },
      joined: (path) => {
        paths.push(path);
        unit.add(path);
      },
      warn,
    });
    return () => {
      stopWatching();
      repair.stop();
    };
  }
}
