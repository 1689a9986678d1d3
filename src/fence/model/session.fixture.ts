import { OutcomeUnknown } from '../../ports/block-device.ts';
import type { ReservableUnit } from '../../ports/reservable-unit.ts';
import type { Agenda } from './agenda.fixture.ts';
import {
  type Answered,
  type Command,
  type Nexus,
  nexusPort,
  type QueuedWrite,
  type SpcUnit,
} from './spc-unit.fixture.ts';

/** What a session needs of the world it is in. */
interface Surroundings {
  agenda: Agenda;
  unit: SpcUnit;
  /** Answers wait while the server that asked is frozen. */
  isAwake(): boolean;
  /** Commands wait while what that server sends is held up. */
  isReached(): boolean;
  /** Queued writes wait while the medium has others to do. */
  isMediumBusy(): boolean;
  /** A write of this epoch reached the medium. */
  landed(epoch: number): void;
  /** A write met a conflict. */
  refused(): void;
}

/**
 * One I_T nexus from both ends. When the server has given it up, what it had sent may get there all the same, and at any
 * later time: the target knows the nexus until it restarts.
 */
export class Session {
  readonly nexus: Nexus;
  readonly port: ReservableUnit;
  readonly #about: Surroundings;
  readonly #unanswered = new Set<(error: Error) => void>();
  #isBroken = false;
  #writes = 0;

  constructor(about: Surroundings, owner: Nexus['owner']) {
    this.#about = about;
    this.nexus = about.unit.open(owner);
    this.port = nexusPort((command) => this.#send(command));
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The server's end of it is gone. */
  cut(): void {
    this.#isBroken = true;
    for (const fail of this.#unanswered) fail(new OutcomeUnknown('memory: the session broke'));
    this.#unanswered.clear();
  }

  write(): Promise<unknown> {
    return this.#request(() => {
      const { unit, agenda, landed } = this.#about;
      const write = this.#queued(() => landed(this.nexus.owner.epoch));
      agenda.add(
        `write ${(this.#writes += 1)} of ${this.nexus.id}`,
        () => {
          if (!unit.queue.includes(write)) return;
          unit.queue = unit.queue.filter((each) => each !== write);
          write.land();
        },
        () => !this.#about.isMediumBusy(),
      );
      return { after: [write] };
    });
  }

  #queued(land: () => void): QueuedWrite {
    try {
      return this.#about.unit.write(this.nexus, land);
    } catch (error) {
      this.#about.refused();
      throw error;
    }
  }

  #send(command: Command): Promise<unknown> {
    return this.#request(() => this.#about.unit.carryOut(this.nexus, command));
  }

  /** There in the order of the session; back when the target has done what comes before an answer. */
  #request(carryOut: () => Answered): Promise<unknown> {
    if (this.#isBroken) return Promise.reject(new OutcomeUnknown('memory: no session'));
    const { agenda } = this.#about;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#unanswered.add(reject);
    const { isAwake, isReached } = this.#about;
    const to = () => {
      const { isKnown } = this.nexus;
      const answer = isKnown ? this.#carriedOut(carryOut) : new OutcomeUnknown('memory: the session broke');
      const back = () => {
        this.#unanswered.delete(reject);
        if (answer instanceof Error) reject(answer);
        else resolve(answer.value);
        if (!isKnown) this.cut();
      };
      agenda.add(`from ${this.nexus.id}`, back, () => isAwake() && this.#isThrough(answer));
    };
    agenda.add(`to ${this.nexus.id}`, to, isReached);
    return promise;
  }

  #carriedOut(carryOut: () => Answered): Answered | Error {
    try {
      return carryOut();
    } catch (error) {
      return error as Error;
    }
  }

  #isThrough(answer: Answered | Error): boolean {
    if (answer instanceof Error || answer.after === undefined) return true;
    return !answer.after.some((write) => this.#about.unit.queue.includes(write));
  }
}
