import type { Observation, State } from '../state.ts';
import { deathWaitMs } from '../timing.ts';
import type { Timings } from '../types.ts';
import { valid } from './disk.fixture.ts';
import { literalMachine, type MachineOf, safeMachine, type Weakening } from './machine.fixture.ts';
import { anyPlan, calm, TIMINGS } from './plans.fixture.ts';
import { Random } from './random.fixture.ts';
import type { Fault, Plan, Target, When } from './world.fixture.ts';

/**
 * Weakenings of PROTOCOL.md part 3, made from outside: the state is plain data, so a rule is broken by changing what it
 * goes by, and nothing in the product knows about it. Each comes with the kind of plan that brings it out; the rules
 * as they are must hold under the very same plans.
 */
export interface Weakness {
  name: string;
  machine: MachineOf;
  plan(seed: number, machine: MachineOf): Plan;
}

export const weaknesses: readonly Weakness[] = [
  { name: 'W1 the method as published', machine: literalMachine, plan: anyPlan },
  weakness(
    'W3 R1: an own earlier record is claimed without waiting D',
    { after: hurriedBy(isOwn) },
    (random) => {
      const heldAt = random.between(1500, 3000);
      return [
        strike(onActive(1, heldAt), 'subject', 'hold', random.between(5500, 9000), 1),
        strike(onActive(1, heldAt + 1000), 'subject', 'cut', random.between(3000, 7000)),
        strike(onActive(2, random.between(0, 1500)), 'subject', 'stall', random.between(1500, 5000)),
      ];
    },
  ),
  weakness(
    'W4 R3: no limit of S from decision to acknowledgement',
    {
      before: (state, event) => {
        const { phase } = state;
        if (phase.role !== 'claiming') return { state, event };
        return { state: { ...state, phase: { ...phase, decidedAt: event.at } }, event };
      },
    },
    (random) => [
      strike({ at: 9000 }, 'active', 'crash', 60_000),
      strike(on('decided', 1, 0), 'subject', 'hesitate', random.between(1000, 3500)),
      strike(on('active', 1, random.between(0, 300)), 'subject', 'stall', random.between(1500, 4500)),
    ],
  ),
  weakness(
    'W5 R3: epochs not kept in slots',
    { before: (state, event) => ({ state: { ...state, identity: { ...state.identity, slots: 1 } }, event }) },
    (random) => [strike({ at: random.between(9000, 12_000) }, 'active', 'crash', 60_000)],
  ),
  weakness(
    'W6 R4: not finished before cs + L',
    {
      before: (state, event) => {
        const { phase } = state;
        if (phase.role !== 'settling') return { state, event };
        return { state: { ...state, phase: { ...phase, claimStartedAt: event.at } }, event };
      },
    },
    (random) => [
      strike({ at: 9000 }, 'active', 'crash', 60_000),
      strike(on('settling', 1, 0), 'subject', 'stall', random.between(3800, 5000)),
      strike(on('settling', 1, 0), 'subject', 'hesitate', random.between(1300, 3500)),
      strike(on('active', 1, random.between(0, 300)), 'subject', 'stall', random.between(1500, 4500)),
    ],
  ),
  weakness(
    'W7 R4: a settling claimant writes over lower epochs',
    {
      before: (state, event) => {
        const { phase } = state;
        if (phase.role !== 'settling' || phase.step !== 'reading' || event.kind !== 'read')
          return { state, event };
        const { record } = event.area;
        if (record.kind !== 'valid' || record.value.epoch >= phase.claim.epoch) return { state, event };
        return { state, event: { ...event, area: { ...event.area, record: valid(phase.claim) } } };
      },
    },
    (random) => [
      strike({ at: 9000 }, 'active', 'crash', 60_000),
      strike(on('active', 1, random.between(0, 300)), 'subject', 'stall', random.between(1500, 4500)),
      strike(on('decided', 1, 0), 'subject', 'hesitate', random.between(0, 900)),
    ],
  ),
  weakness(
    'W9 R6: a lapsed lease is renewed',
    {
      before: (state, event) => {
        const { phase } = state;
        if (phase.role !== 'active') return { state, event };
        return {
          state: { ...state, phase: { ...phase, tenure: { ...phase.tenure, leaseEndsAt: 1e15 } } },
          event,
        };
      },
    },
    (random) => [
      strike(onActive(1, random.between(1000, 4000)), 'subject', 'stall', random.between(3300, 5000)),
      strike(on('decided', 1, 0, 7500), 'subject', 'hesitate', random.between(100, 900)),
      strike(on('decided', 1, random.between(50, 900), 7500), 'active', 'stall', random.between(2000, 4000)),
    ],
  ),
  {
    name: 'W10 W13 a lease longer than the death wait of others',
    machine: safeMachine(),
    plan: (seed, machine) => {
      const random = new Random(seed);
      // The one that waits long for others is away until the one whose lease is long has become active.
      const faults = [
        strike({ at: 8000 }, 'active', 'crash', 12_000),
        strike(onActive(2, random.between(7000, 9000)), 'subject', 'stall', random.between(2000, 9000)),
      ];
      const timingsOf = (i: number): Timings => ({ ...TIMINGS[0]!, misses: i === 0 ? 9 : 4 });
      return { ...calm(seed, machine), servers: 2, faults, timingsOf };
    },
  },
  weakness('W11 R8: a release is believed by anybody at once', { after: hurriedBy(isRelease) }, (random) => {
    const releasedAt = random.between(1500, 3000);
    return [
      strike(onActive(1, releasedAt), 'subject', 'hold', random.between(5500, 9500), 0),
      strike(onActive(1, releasedAt + 5), 'subject', 'release', 0),
      strike(onActive(2, random.between(0, 1500)), 'subject', 'stall', random.between(1500, 5000)),
    ];
  }),
  weakness(
    'W12 R9: a null record is claimed at once',
    { after: hurriedBy(({ reading }) => reading.kind === 'null') },
    (random) => [
      strike(onActive(1, 2000), 'subject', 'stall', random.between(1500, 4500)),
      strike(onActive(1, random.between(2000, 3000)), 0, 'wipe', 0),
    ],
  ),
  weakness(
    'W12 R9: damage is claimed though its bytes change',
    {
      after: (state, _event, former) => {
        const [seen, before] = [state.observation, former.observation];
        if (seen?.reading.kind !== 'damaged' || before?.reading.kind !== 'damaged') return state;
        return {
          ...state,
          observation: { ...seen, sinceAt: before.sinceAt, unchanged: before.unchanged + 1 },
        };
      },
    },
    (random) => [
      ...Array.from({ length: 60 }, (_, i) =>
        strike({ at: 8000 + i * random.between(150, 190) }, 0, 'damage', 0),
      ),
      strike(on('decided', 1, random.between(0, 600), 8000), 'active', 'stall', random.between(1500, 4500)),
    ],
  ),
];

function weakness(
  name: string,
  weakening: Weakening,
  faults: (random: Random) => readonly Fault[],
): Weakness {
  return {
    name,
    machine: safeMachine(weakening),
    plan: (seed, machine) => {
      const random = new Random(seed);
      return { ...calm(seed, machine), timings: random.pick(TIMINGS), faults: faults(random) };
    },
  };
}

/** After a takeover that follows the first ownership; the first contention is over by then. */
function on(what: 'decided' | 'settling' | 'active', nth: number, afterMs: number, fromAt = 9000): When {
  return { on: what, nth, fromAt, afterMs };
}

function onActive(nth: number, afterMs: number): When {
  return { on: 'active', nth, fromAt: 0, afterMs };
}

function strike(when: When, server: Target, kind: Fault['kind'], forMs: number, status: 0 | 1 = 1): Fault {
  return { kind, when, server, forMs, status, lands: false };
}

/** What this server sees counts as seen for D already; the next read decides. */
function hurriedBy(applies: (seen: Observation, state: State) => boolean): (state: State) => State {
  return (state) => {
    const { observation: seen } = state;
    if (seen === undefined || !applies(seen, state)) return state;
    const { timings } = state.identity;
    const sinceAt = seen.lastStartedAt - deathWaitMs(timings);
    return { ...state, observation: { ...seen, unchanged: timings.misses, sinceAt } };
  };
}

function isOwn({ reading }: Observation, { identity }: State): boolean {
  return reading.kind === 'valid' && reading.value.node === identity.node;
}

function isRelease({ reading }: Observation): boolean {
  return reading.kind === 'valid' && reading.value.node === '';
}
