import { RequestFailed } from '../ports/block-device.ts';
import { type ReservableUnit, RESERVATION_TYPE } from '../ports/reservable-unit.ts';
import { TRIAL_KEYS } from '../fence/reservation-key.ts';
import { type Finding, ok, problem } from './finding.ts';
import { DoctorRefuses } from './refusal.ts';

/** One nexus to a unit that may be tried out. */
export interface Nexus {
  unit: ReservableUnit;
  /** Reads a block: whether the unit lets this nexus in. Rejects as `ReservableUnit` does. */
  read(deadlineMs: number): Promise<unknown>;
}

/** An agent that comes in between preempts them. */
const [OURS, THEIRS] = TRIAL_KEYS;
const { exclusiveAccess } = RESERVATION_TYPE;

/**
 * Does with two nexuses to one unit what a takeover does: one reserves, the other sees that it is shut out, preempts and
 * resets, and the first one is shut out in turn. Then both unregister, so that the unit is as it was.
 */
export class ReservationTrial {
  readonly #first: Nexus;
  readonly #second: Nexus | undefined;
  readonly #deadlineMs: number;
  #begun = false;
  #taken = '';
  #refused: string | undefined;

  /** Without `second`, where all of a machine is one nexus, the first one takes and gives back, and no more is seen. */
  constructor(first: Nexus, second: Nexus | undefined, deadlineMs: number) {
    this.#first = first;
    this.#second = second;
    this.#deadlineMs = deadlineMs;
  }

  /** A key of this trial may stand at the unit. */
  get open(): boolean {
    return this.#begun;
  }

  /**
   * Rejects with DoctorRefuses when anybody is registered, before anything was changed. `signal` skips what is left, but
   * for what undoes it.
   */
  async run(signal: AbortSignal): Promise<Finding[]> {
    const { unit } = this.#first;
    const { keys } = await this.#patiently(() => unit.readKeys(this.#deadlineMs));
    const held = await this.#patiently(() => unit.readReservation(this.#deadlineMs));
    if (keys.length > 0 || held !== undefined) {
      const who = `${new Set(keys).size} keys are registered with the unit`;
      throw new DoctorRefuses(`--try-reservations: ${who}: it is in use, and nothing was tried`, 'storage');
    }
    this.#begun = true;
    const tried = await this.#takeOver(signal).catch((error: unknown) => failed(error));
    return [tried, ...(await this.#undo())];
  }

  async #takeOver(signal: AbortSignal): Promise<Finding> {
    const [one, two, within] = [this.#first, this.#second, this.#deadlineMs];
    const alone: Step[] = [
      () => this.#patiently(() => one.unit.registerKey(OURS, within)),
      () => this.#patiently(() => one.unit.reserve(OURS, exclusiveAccess, within)),
      () => this.#isHeldBy(OURS),
    ];
    for (const step of two === undefined ? alone : [...alone, ...this.#stepsOf(two)]) {
      if (signal.aborted) break;
      const wrong = await step();
      if (typeof wrong === 'string') return problem(THING, wrong, ADVICE);
    }
    const taken = 'tried with scratch keys: taken, shown';
    if (two === undefined)
      return ok(THING, `${taken}, given back; whether it shuts out another machine takes one`);
    const refused = this.#refused === undefined ? '' : ` (${this.#refused})`;
    return ok(THING, `${taken}, seen to shut out another session, taken away by ${this.#taken}${refused}`);
  }

  /** What a second nexus sees while the first one holds the unit, and what the first one sees when it has lost it. */
  #stepsOf(two: Nexus): Step[] {
    const within = this.#deadlineMs;
    return [
      () => this.#isShutOut(two, 'a nexus that has not registered'),
      () => this.#patiently(() => two.unit.registerKey(THEIRS, within)),
      () => this.#isShutOut(two, 'a nexus that has registered and does not hold the reservation'),
      () => this.#preempt(two),
      () => this.#isHeldBy(THEIRS),
      () => this.#isShutOut(this.#first, 'the nexus that was preempted'),
      () => this.#patiently(() => two.read(within)),
    ];
  }

  /** As an agent does: a unit that says it knows PREEMPT AND ABORT may turn out not to, and a reset follows either. */
  async #preempt(two: Nexus): Promise<undefined> {
    const { unit } = two;
    const preempt = (abort: boolean) =>
      this.#patiently(() => unit.preempt(THEIRS, OURS, exclusiveAccess, this.#deadlineMs, abort));
    let abort = await this.#patiently(() => unit.supportsPreemptAndAbort(this.#deadlineMs));
    try {
      await preempt(abort);
    } catch (error) {
      if (!abort || !(error instanceof RequestFailed) || !error.code.startsWith('ILLEGAL REQUEST'))
        throw error;
      this.#refused = 'PREEMPT AND ABORT, which it claims to know, was refused';
      abort = false;
      await preempt(abort);
    }
    await unit.resetLogicalUnit(this.#deadlineMs);
    this.#taken = `${abort ? 'PREEMPT AND ABORT' : 'PREEMPT'} and LOGICAL UNIT RESET`;
  }

  async #isHeldBy(key: bigint): Promise<string | undefined> {
    const { unit } = this.#first;
    const held = await this.#patiently(() => unit.readReservation(this.#deadlineMs));
    if (held?.key === key && held.type === exclusiveAccess) return undefined;
    return 'the unit took a reservation, and does not show it: it cannot be relied on';
  }

  /** UNIT ATTENTION first, told once, and then RESERVATION CONFLICT. */
  async #isShutOut(nexus: Nexus, who: string): Promise<string | undefined> {
    try {
      await this.#patiently(() => nexus.read(this.#deadlineMs));
      return `${who} could still read: the reservation shuts nobody out`;
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  /** Key 0 unregisters, and gives up the reservation of its holder; a nexus that is not registered stays so. */
  async #undo(): Promise<Finding[]> {
    const withinMs = this.#deadlineMs;
    const gone = await Promise.allSettled(
      [this.#second, this.#first].map((nexus) =>
        this.#patiently(async () => nexus?.unit.registerKey(0n, withinMs)),
      ),
    );
    const stuck = gone.find((each) => each.status === 'rejected');
    if (stuck !== undefined) return [leftBehind((stuck.reason as Error).message)];
    try {
      const { keys } = await this.#patiently(() => this.#first.unit.readKeys(withinMs));
      if (keys.includes(OURS) || keys.includes(THEIRS)) return [leftBehind('the unit kept them')];
    } catch (error) {
      return [leftBehind((error as Error).message)];
    }
    this.#begun = false;
    return [];
  }

  /** What happened to the unit before is told to each nexus, once for each thing (SAM-5, 5.14): all of it is this trial's. */
  async #patiently<T>(act: () => Promise<T>): Promise<T> {
    for (let attentions = 0; ; attentions += 1) {
      try {
        return await act();
      } catch (error) {
        const isAttention = error instanceof RequestFailed && error.code.startsWith('UNIT ATTENTION');
        if (!isAttention || attentions >= MOST_ATTENTIONS) throw error;
      }
    }
  }
}

/** Resolves with what was wrong, in words. */
type Step = () => Promise<unknown>;

const THING = 'reservations';
const ADVICE = 'do not fence by the reservations of this storage';
const MOST_ATTENTIONS = 8;

function failed(error: unknown): Finding {
  const { message } = error as Error;
  if (isConflict(error))
    return problem(
      THING,
      `somebody else took the unit meanwhile: ${message}`,
      'stop the agents, and try again',
    );
  return problem(THING, `the trial failed: ${message}`, ADVICE);
}

function leftBehind(why: string): Finding {
  const keys = [OURS, THEIRS].map((key) => `0x${key.toString(16)}`).join(' or ');
  return problem(
    'scratch keys',
    `${keys} may still be registered: ${why}`,
    'an agent that claims preempts them; or sg_persist --clear',
  );
}

function isConflict(error: unknown): boolean {
  return error instanceof RequestFailed && error.code === 'RESERVATION CONFLICT';
}
