import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import type { IscsiAddress } from '../block/uri-iscsi.ts';
import { formatNbdUri } from '../block/uri-nbd.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import type { AccessOutcome, DataAccess } from '../ports/data-access.ts';
import { Bridge } from './bridge.ts';
import { type Claimant, dataExport } from './data-export.ts';
import { GrantedUnit } from './granted-unit.ts';
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
  /** Where the service finds the data area. */
  socketPath: string;
  /** How often to look who holds the unit. */
  checkEveryMs: number;
  openPath?: typeof openIscsiPath;
}

/** What access consists of, and what ends it. */
interface Held {
  bridge: Bridge;
  stopWatching(): void;
}

/** How long a session that is given up may take to log out; whoever waits for that waits no longer. */
const LEAVE_MS = 1000;

/**
 * The data area on a unit of an iSCSI target. A reservation binds the session that took it, so the agent keeps that
 * session for as long as the access is wanted, and serves the unit over it to its service. Giving up ends the session and
 * leaves the reservation, for the next owner to preempt: a unit that nobody holds is open to all.
 */
export class UnitAccess implements DataAccess {
  readonly fencing: 'reservation' | 'none';
  readonly #options: UnitAccessOptions;
  /** Those of the attempt under way, and of the access that came of it. */
  #paths: readonly UnitPath[] = [];
  #held: Held | undefined;
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
      if (attempt !== this.#attempt) return leaving(opened, GIVEN_UP);
      this.#paths = opened;
      const outcome = await this.#take(opened, epoch, deadlineMs);
      const info = outcome.kind === 'granted' ? await describe(opened, deadlineMs) : undefined;
      if (attempt === this.#attempt && info !== undefined) await this.#hold(opened, info, epoch);
      if (attempt !== this.#attempt) return GIVEN_UP;
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
    held?.stopWatching();
    held?.bridge.close();
    await left(paths);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.giveUp();
  }

  /** All that can be opened; rejects with what the first one failed of when none can. */
  async #openPaths(epoch: number, deadlineMs: number): Promise<readonly UnitPath[]> {
    const { addresses, claimant, openPath = openIscsiPath } = this.#options;
    const user = { node: claimant.node, alias: dataExport(claimant, epoch) };
    const opened = await Promise.allSettled(addresses.map((address) => openPath(address, user, deadlineMs)));
    const paths = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const [failed] = opened.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    if (paths.length === 0) throw failed!;
    return paths;
  }

  async #take(paths: readonly UnitPath[], epoch: number, deadlineMs: number): Promise<AccessOutcome> {
    if (this.fencing === 'none') return { kind: 'granted' };
    const strange = await strangePath(paths, deadlineMs);
    if (strange !== undefined) return { kind: 'failed', reason: strange };
    const key = reservationKey(this.#options.slot, epoch);
    const [first, ...others] = paths;
    const isGivenUp = () => this.#paths !== paths;
    return takeReservation({ paths: [first!, ...others], key, ...patienceFor(deadlineMs), isGivenUp });
  }

  async #hold(paths: readonly UnitPath[], info: UnitInfo, epoch: number): Promise<void> {
    const { socketPath, claimant, slot, checkEveryMs } = this.#options;
    const attempt = this.#attempt;
    const unit = new GrantedUnit(paths, info, (reason) => {
      if (attempt !== this.#attempt || this.#held === undefined) return;
      void this.giveUp();
      this.#onLost(epoch, reason);
    });
    const bridge = await Bridge.open(socketPath, dataExport(claimant, epoch), unit);
    if (attempt !== this.#attempt || unit.lostBecause !== undefined) {
      bridge.close();
      if (unit.lostBecause !== undefined)
        throw new Error(`lost again while it was being granted: ${unit.lostBecause}`);
      return;
    }
    const watched = {
      name: paths[0]!.name,
      path: () => unit.paths[0],
      lose: (reason: string) => unit.lose(reason),
    };
    const stopWatching =
      this.fencing === 'none'
        ? () => {}
        : watchReservation(watched, reservationKey(slot, epoch), checkEveryMs);
    this.#held = { bridge, stopWatching };
  }
}

/** Several paths must lead to one unit, or the reservation of one would guard nothing on the other. */
async function strangePath(paths: readonly UnitPath[], deadlineMs: number): Promise<string | undefined> {
  const [first, ...others] = paths;
  if (others.length === 0) return undefined;
  const identity = await first!.identity(deadlineMs);
  for (const path of others) {
    if (identity === '' || (await path.identity(deadlineMs)) !== identity)
      return `${path.name}: not the same unit as ${first!.name} (INQUIRY page 83)`;
  }
  return undefined;
}

/** Commands in a description, each with its own patience. */
const DESCRIBED_BY = 5;

/** After the reservation is held, for only then does every command of it work; by the first path. */
async function describe(paths: readonly UnitPath[], deadlineMs: number): Promise<UnitInfo> {
  const [first, ...others] = paths;
  const info = await first!.describe(DESCRIBED_BY * deadlineMs);
  // Each session is told once what had happened to the unit, and must not be told instead of a write.
  for (const path of others) await path.describe(DESCRIBED_BY * deadlineMs);
  return info;
}

function leaving(paths: readonly UnitPath[], outcome: AccessOutcome): AccessOutcome {
  void left(paths);
  return outcome;
}

async function left(paths: readonly UnitPath[]): Promise<void> {
  const closed = Promise.allSettled(paths.map((path) => path.close()));
  const timer = Promise.withResolvers<void>();
  const waited = setTimeout(timer.resolve, LEAVE_MS);
  await Promise.race([closed, timer.promise]);
  clearTimeout(waited);
}
