import { setImmediate as turn } from 'node:timers/promises';
import type { AccessOutcome } from '../../ports/data-access.ts';
import { reservationKey } from '../reservation-key.ts';
import { Agenda } from './agenda.fixture.ts';
import { type Manners, type Owner, Server } from './server.fixture.ts';
import { Session } from './session.fixture.ts';
import { SpcUnit } from './spc-unit.fixture.ts';

export interface Plan {
  servers: number;
  /** Paths of each server to the unit. */
  paths: number;
  hasAbort: boolean;
  /** What happens next, one number each: which of all that is under way moves, or what goes wrong. */
  moves: readonly number[];
  manners?: Manners;
}

/** What came of a run. */
export interface Outcome {
  violations: readonly string[];
  /** How much happened, so that nothing is not taken for everything. */
  seen: { letIn: number; landed: number; refusedWrites: number; restarts: number; rejoined: number };
  /** After everything: the owner in the record asks once more, then everybody else, under the last epoch each had. */
  rightful: AccessOutcome;
  former: readonly AccessOutcome[];
}

/** Moves from here up are faults. */
const FAULTS = 9700;

/** Two or three servers at one unit; what each does next, and what is late or lost, is up to the plan. */
export async function run(plan: Plan): Promise<Outcome> {
  const world = new World(plan);
  for (const move of plan.moves) await world.move(move);
  return world.finish();
}

class World {
  readonly #plan: Plan;
  readonly #agenda = new Agenda();
  readonly #unit: SpcUnit;
  readonly #servers: Server[];
  readonly #epochs = new Map<number, number>();
  readonly #violations: string[] = [];
  readonly #seen = { letIn: 0, landed: 0, refusedWrites: 0, restarts: 0, rejoined: 0 };
  #record: Owner = { slot: -1, epoch: 0 };
  #letIn = 0;
  #isMediumBusy = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#unit = new SpcUnit({ hasAbort: plan.hasAbort });
    this.#unit.onPreempted = (by, victim) => {
      if (epochIn(victim) > epochIn(by))
        this.#violations.push(`epoch ${epochIn(by)} preempted epoch ${epochIn(victim)}`);
    };
    this.#servers = Array.from({ length: plan.servers }, (_, slot) => this.#server(slot));
    this.#claim(this.#servers[0]!);
  }

  async move(move: number): Promise<void> {
    if (move < FAULTS) this.#agenda.move(move);
    else this.#fault(move - FAULTS);
    await turn();
  }

  /** Nothing goes wrong any more. */
  async finish(): Promise<Outcome> {
    for (const server of this.#servers) server.isFrozen = server.isHeld = false;
    this.#isMediumBusy = false;
    await this.#settle();
    const { slot, epoch } = this.#record;
    const rightful = await this.#settled(this.#servers[slot]!.obtain(epoch));
    const former: AccessOutcome[] = [];
    for (const [other, last] of this.#epochs) {
      if (other !== slot) former.push(await this.#settled(this.#servers[other]!.obtain(last)));
    }
    return { violations: this.#violations, seen: this.#seen, rightful, former };
  }

  #server(slot: number): Server {
    const { manners = {}, paths, servers: slots } = this.#plan;
    const about = {
      open: (owner: Owner) => this.#open(owner),
      readRecord: (reader: number) => this.#readRecord(reader),
      raise: (raiser: number, granted: number) => this.#own(this.#servers[raiser]!, granted),
      // Of a server that slept meanwhile the answer may be old news. Its writes will show whether that matters.
      letIn: ({ epoch }: Owner) => {
        this.#seen.letIn += 1;
        this.#letIn = Math.max(this.#letIn, epoch);
      },
    };
    return new Server(slot, about, { manners, paths, slots });
  }

  #open(owner: Owner): Session {
    return new Session(
      {
        agenda: this.#agenda,
        unit: this.#unit,
        isAwake: () => !this.#servers[owner.slot]!.isFrozen,
        isReached: () => !this.#servers[owner.slot]!.isHeld,
        isMediumBusy: () => this.#isMediumBusy,
        landed: (epoch) => {
          this.#seen.landed += 1;
          if (epoch < this.#letIn)
            this.#violations.push(`a write of epoch ${epoch} landed after ${this.#letIn} was let in`);
        },
        refused: () => (this.#seen.refusedWrites += 1),
      },
      owner,
    );
  }

  #readRecord(reader: number): Promise<Owner> {
    return new Promise((resolve) => {
      this.#agenda.add(`record ${reader}`, () => {
        const { ...record } = this.#record;
        this.#agenda.add(
          `record ${reader}`,
          () => resolve(record),
          () => !this.#servers[reader]!.isFrozen,
        );
      });
    });
  }

  #fault(choice: number): void {
    const server = this.#servers[choice % this.#servers.length]!;
    const what = Math.floor(choice / this.#servers.length) % 13;
    if (what < 3 && !server.isFrozen) this.#claim(server);
    else if (what < 4) server.retire();
    else if (what < 6) server.isFrozen = !server.isFrozen;
    else if (what < 8) server.isHeld = !server.isHeld;
    else if (what < 10) void server.rejoin().then((joined) => (this.#seen.rejoined += Number(joined)));
    else if (what < 11) for (const session of server.sessions.slice(choice % 2)) session.cut();
    else if (what < 12) this.#isMediumBusy = !this.#isMediumBusy;
    else this.#restart();
  }

  /** The quorum area has a new owner; whoever had it is not told. */
  #claim(server: Server): void {
    void server.own(this.#own(server, this.#record.epoch));
  }

  /** The smallest epoch of this server above what it knows of (R3). */
  #own({ slot }: Server, above: number): number {
    const { servers } = this.#plan;
    let epoch = above + 1;
    while (epoch % servers !== slot) epoch += 1;
    this.#record = { slot, epoch };
    this.#epochs.set(slot, epoch);
    return epoch;
  }

  #restart(): void {
    this.#seen.restarts += 1;
    const isOwners = (key: bigint) => key === reservationKey(this.#record.slot, this.#record.epoch);
    this.#unit.restart(isOwners);
  }

  /** Everything that is under way comes to its end. */
  async #settle(): Promise<void> {
    for (let moves = 0; this.#agenda.move(0); moves += 1) {
      if (moves > 20_000) throw new Error('the model does not come to rest');
      await turn();
    }
  }

  async #settled(attempt: Promise<AccessOutcome>): Promise<AccessOutcome> {
    await turn();
    await this.#settle();
    return attempt;
  }
}

/** Epochs are few here. */
function epochIn(key: bigint): bigint {
  return BigInt.asUintN(48, key);
}
