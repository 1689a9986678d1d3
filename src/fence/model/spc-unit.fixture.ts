import { RequestFailed } from '../../ports/block-device.ts';
import type { ReservableUnit } from '../../ports/reservable-unit.ts';

/** One I_T nexus as the target knows it. */
export interface Nexus {
  readonly id: number;
  /** For the judge: whose it is. */
  readonly owner: { slot: number; epoch: number };
  /** False from the moment on at which the target knows of no such nexus any more. */
  isKnown: boolean;
  attentions: string[];
}

/** A write that passed the check of the reservation and is on its way to the medium. */
export interface QueuedWrite {
  nexus: Nexus;
  land(): void;
}

/** Commands as they get to the target; `undefined` for those with no answer but GOOD. */
export type Command =
  | { do: 'register'; key: bigint }
  | { do: 'read-keys' }
  | { do: 'read-reservation' }
  | { do: 'reserve'; key: bigint; type: number }
  | { do: 'preempt'; key: bigint; victim: bigint; type: number; abort: boolean }
  | { do: 'supports-abort' }
  | { do: 'reset' };

/** What is answered, and which queued writes must be through before it may be. */
export interface Answered {
  value?: unknown;
  after?: readonly QueuedWrite[];
}

const ALL_REGISTRANTS = [7, 8];
const REGISTRANTS_ONLY = [5, 6];

/**
 * A logical unit that obeys SPC-4, 5.13: registrations by nexus, a reservation that is lost when its target restarts,
 * PREEMPT with or without ABORT, UNIT ATTENTION told once, writes that stay queued after the reservation is gone.
 */
export class SpcUnit {
  readonly registrations = new Map<Nexus, bigint>();
  holder: { nexus: Nexus; type: number } | undefined;
  generation = 0;
  queue: QueuedWrite[] = [];
  readonly hasAbort: boolean;
  /** Told of every registration that was taken away: with whose key, and whose it was. */
  onPreempted: (by: bigint, victim: bigint) => void = () => {};
  /** Closed after a restart: a registration is let through with this key only (PROTOCOL.md, "The data area"). */
  admits: ((key: bigint) => boolean) | undefined;
  #nexuses = new Set<Nexus>();
  #ids = 0;

  constructor(options: { hasAbort: boolean }) {
    this.hasAbort = options.hasAbort;
  }

  open(owner: Nexus['owner']): Nexus {
    const nexus = { id: ++this.#ids, owner, isKnown: true, attentions: ['29/00'] };
    this.#nexuses.add(nexus);
    return nexus;
  }

  /** Everything that was only in memory is gone. `closedTo` is asked until a reservation was taken. */
  restart(closedTo: ((key: bigint) => boolean) | undefined): void {
    for (const nexus of this.#nexuses) nexus.isKnown = false;
    this.#nexuses.clear();
    this.registrations.clear();
    this.holder = undefined;
    this.queue = [];
    this.admits = closedTo;
  }

  carryOut(nexus: Nexus, command: Command): Answered {
    const attention = nexus.attentions.shift();
    if (attention !== undefined) throw failed(`UNIT ATTENTION ${attention}`);
    switch (command.do) {
      case 'register':
        return this.#register(nexus, command.key);
      case 'read-keys':
        return { value: { generation: this.generation, keys: [...this.registrations.values()] } };
      case 'read-reservation':
        return { value: this.#reservation() };
      case 'reserve':
        return this.#reserve(nexus, command);
      case 'preempt':
        return this.#preempt(nexus, command);
      case 'supports-abort':
        return { value: this.hasAbort };
      case 'reset':
        return this.#reset(nexus);
      default:
        throw new Error('no such command');
    }
  }

  /** The check of a write when it gets there; one that passes is queued, and lands at any later time. */
  write(nexus: Nexus, land: () => void): QueuedWrite {
    const attention = nexus.attentions.shift();
    if (attention !== undefined) throw failed(`UNIT ATTENTION ${attention}`);
    if (this.admits !== undefined || !this.#mayWrite(nexus)) throw conflict();
    const write = { nexus, land };
    this.queue.push(write);
    return write;
  }

  /** Answered when everything that was queued is through; a reservation outlives it. */
  #reset(nexus: Nexus): Answered {
    for (const other of this.#nexuses) if (other !== nexus) other.attentions.push('29/03');
    return { after: [...this.queue] };
  }

  #mayWrite(nexus: Nexus): boolean {
    if (this.holder === undefined || this.#isHolder(nexus)) return true;
    return REGISTRANTS_ONLY.includes(this.holder.type) && this.registrations.has(nexus);
  }

  #isHolder(nexus: Nexus): boolean {
    if (this.holder === undefined) return false;
    if (ALL_REGISTRANTS.includes(this.holder.type)) return this.registrations.has(nexus);
    return this.holder.nexus === nexus;
  }

  #reservation(): { key: bigint; type: number } | undefined {
    if (this.holder === undefined) return undefined;
    const { nexus, type } = this.holder;
    return { key: ALL_REGISTRANTS.includes(type) ? 0n : this.registrations.get(nexus)!, type };
  }

  #register(nexus: Nexus, key: bigint): Answered {
    if (this.admits?.(key) === false) throw conflict();
    if (key === 0n) this.#unregister(nexus);
    else this.registrations.set(nexus, key);
    this.generation += 1;
    return {};
  }

  /** SPC-4, 5.13.11.2.3: when its holder unregisters, a reservation is gone, and the unit is open to all. */
  #unregister(nexus: Nexus): void {
    const wasHolder = this.#isHolder(nexus);
    this.registrations.delete(nexus);
    if (!wasHolder || (ALL_REGISTRANTS.includes(this.holder!.type) && this.registrations.size > 0)) return;
    this.holder = undefined;
    for (const other of this.registrations.keys()) other.attentions.push('2A/04');
  }

  #reserve(nexus: Nexus, { key, type }: Command & { do: 'reserve' }): Answered {
    if (this.registrations.get(nexus) !== key) throw conflict();
    if (this.holder !== undefined && !(this.#isHolder(nexus) && this.holder.type === type)) throw conflict();
    this.holder ??= { nexus, type };
    this.admits = undefined;
    return {};
  }

  #preempt(nexus: Nexus, { key, victim, type, abort }: Command & { do: 'preempt' }): Answered {
    if (abort && !this.hasAbort) throw failed('ILLEGAL REQUEST 24/00');
    if (this.registrations.get(nexus) !== key) throw conflict();
    if (victim !== 0n && ![...this.registrations.values()].includes(victim)) throw conflict();
    const reservation = this.#reservation();
    const wasEverybody = victim === 0n && reservation?.key === 0n;
    if (victim === 0n && reservation?.key !== 0n) throw failed('ILLEGAL REQUEST 26/00');
    if (reservation?.key === victim) this.holder = { nexus, type };
    const preempted = [...this.registrations].filter(
      ([other, theirs]) => other !== nexus && (wasEverybody || theirs === victim),
    );
    for (const [other, theirs] of preempted) {
      this.onPreempted(key, theirs);
      this.registrations.delete(other);
      other.attentions.push('2A/03');
    }
    this.generation += 1;
    const gone = preempted.map(([other]) => other);
    return { after: abort ? this.queue.filter((write) => gone.includes(write.nexus)) : [] };
  }
}

function failed(code: string): RequestFailed {
  return new RequestFailed(`memory: answered with ${code}`, code);
}

function conflict(): RequestFailed {
  return failed('RESERVATION CONFLICT');
}

/** The port over one nexus. `send` carries a command there and its answer back, or never does. */
export function nexusPort(send: (command: Command) => Promise<unknown>): ReservableUnit {
  return {
    registerKey: async (key) => void (await send({ do: 'register', key })),
    readKeys: () => send({ do: 'read-keys' }) as ReturnType<ReservableUnit['readKeys']>,
    readReservation: () => send({ do: 'read-reservation' }) as ReturnType<ReservableUnit['readReservation']>,
    reserve: async (key, type) => void (await send({ do: 'reserve', key, type })),
    preempt: async (key, victim, type, _deadlineMs, abort) =>
      void (await send({ do: 'preempt', key, victim, type, abort })),
    supportsPreemptAndAbort: () => send({ do: 'supports-abort' }) as Promise<boolean>,
    resetLogicalUnit: async () => void (await send({ do: 'reset' })),
  };
}
