import type { Observation, State } from '../state.ts';
import { deathWaitMs } from '../timing.ts';
import { type MachineOf, safeMachine, type Weakening } from './machine.fixture.ts';
import type { Fault, Plan, Target, When } from './plan.fixture.ts';
import { calm, TIMINGS } from './plans.fixture.ts';
import { Random } from './random.fixture.ts';

/**
 * A weakening of PROTOCOL.md part 3, made from outside: the state is plain data, so a rule is broken by changing what it
 * goes by, and nothing in the product knows about it. Each comes with the kind of plan that brings it out; the rules
 * as they are must hold under the very same plans.
 */
export interface Weakness {
  name: string;
  machine: MachineOf;
  plan(seed: number, machine: MachineOf): Plan;
  /** It is found with one of the seeds 1 to this, and the rules hold with all of them. */
  seeds: number;
  /** The promise it breaks, as a violation names it. */
  breaks: '(a)' | '(b)' | '(R3)' | '(R10)' | '(bytes)';
}

/** Faults of one kind, in random places and lengths, in an otherwise calm world. */
export function weakness(
  about: Pick<Weakness, 'name' | 'seeds' | 'breaks'> & { world?: Partial<Plan> },
  weakening: Weakening,
  faults: (random: Random) => readonly Fault[],
): Weakness {
  const { name, seeds, breaks, world = {} } = about;
  return {
    name,
    seeds,
    breaks,
    machine: safeMachine(weakening),
    plan: (seed, machine) => {
      const random = new Random(seed);
      const short = { quietAt: 40_000, untilAt: 45_000 };
      const timings = random.pick(TIMINGS);
      return { ...calm(seed, machine), ...short, timings, ...world, faults: faults(random) };
    },
  };
}

/** After a takeover that follows the first ownership; the first contention is over by then. */
export function on(
  what: 'decided' | 'settling' | 'active',
  nth: number,
  afterMs: number,
  fromAt = 9000,
): When {
  return { on: what, nth, fromAt, afterMs };
}

export function onActive(nth: number, afterMs: number): When {
  return { on: 'active', nth, fromAt: 0, afterMs };
}

type Struck = Exclude<Fault['kind'], 'lay-out'>;

export function strike(when: When, server: Target, kind: Struck, forMs = 0, status: 0 | 1 = 1): Fault {
  return { kind, when, server, forMs, status, lands: false, force: false };
}

/** What this server sees counts as seen for D already; the next read decides. */
export function hurriedBy(applies: (seen: Observation, state: State) => boolean): Weakening {
  return {
    after: (state) => {
      const { observation: seen, identity } = state;
      if (seen === undefined || !applies(seen, state)) return state;
      const sinceAt = seen.lastStartedAt - deathWaitMs(identity.timings);
      return { ...state, observation: { ...seen, unchanged: identity.timings.misses, sinceAt } };
    },
  };
}
