import type { Event } from '../types.ts';
import { valid } from './disk.fixture.ts';
import { literalMachine } from './machine.fixture.ts';
import { anyPlan, TIMINGS } from './plans.fixture.ts';
import { hurriedBy, on, onActive, strike, type Weakness, weakness } from './weakness.fixture.ts';

/** R1 to R4: watching, deciding and claiming, each less careful than it has to be. */
export const weakClaims: readonly Weakness[] = [
  { name: 'W1 the method as published', machine: literalMachine, plan: anyPlan, seeds: 20, breaks: '(a)' },
  weakness(
    {
      name: 'W2 R1: D is counted to the return of the deciding read',
      seeds: 60,
      breaks: '(a)',
      world: { timings: { ...TIMINGS[3]!, stopGraceMs: 50 }, servers: 2 },
    },
    {
      // Reads every T/2, so that one that may decide is under way when D is over.
      before: (state, event) => ({
        state,
        event: isRead(event) && state.phase.role === 'standby' ? { ...event, startedAt: event.at } : event,
      }),
      after: (state, event, former) => {
        const { phase, observation, identity } = state;
        if (!isRead(event)) return state;
        if (phase.role === 'claiming' && former.phase.role === 'standby') {
          return { ...state, phase: { ...phase, decidedAt: event.startedAt } };
        }
        if (phase.role !== 'standby' || observation === undefined) return state;
        return { ...state, observeAt: event.startedAt + 0.5 * identity.timings.intervalMs };
      },
    },
    (random) => {
      // The owner comes back in time, renews its lease, and is gone again, all while the deciding read is under way.
      const [goneAt, forMs] = [random.between(2050, 2400), random.between(4200, 5000)];
      const backAt = goneAt + forMs;
      return [
        strike(onActive(1, goneAt), 'subject', 'stall', forMs),
        strike(
          onActive(1, backAt - random.between(300, 600)),
          'standby',
          'linger',
          random.between(1200, 1900),
        ),
        strike(onActive(1, backAt + random.between(60, 900)), 'subject', 'stall', random.between(2500, 4500)),
      ];
    },
  ),
  weakness(
    { name: 'W3 R1: an own earlier record is claimed without waiting D', seeds: 60, breaks: '(a)' },
    hurriedBy(
      ({ reading }, { identity }) => reading.kind === 'valid' && reading.value.node === identity.node,
    ),
    (random) => {
      const heldAt = random.between(1500, 3000);
      return [
        strike(onActive(1, heldAt), 'subject', 'hold', random.between(5500, 9000)),
        strike(onActive(1, heldAt + 1000), 'subject', 'cut', random.between(3000, 7000)),
        strike(onActive(2, random.between(0, 1500)), 'subject', 'stall', random.between(1500, 5000)),
      ];
    },
  ),
  weakness(
    { name: 'W4 R3: no limit of S from decision to acknowledgement', seeds: 60, breaks: '(a)' },
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
    { name: 'W5 R3: epochs are not kept in slots', seeds: 60, breaks: '(R3)' },
    { before: (state, event) => ({ state: { ...state, identity: { ...state.identity, slots: 1 } }, event }) },
    (random) => [strike({ at: random.between(9000, 12_000) }, 'active', 'crash', 60_000)],
  ),
  weakness(
    { name: 'W6 R4: not finished before cs + L', seeds: 60, breaks: '(a)' },
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
    { name: 'W7 R4: a settling claimant writes over lower epochs', seeds: 100, breaks: '(a)' },
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
];

function isRead(event: Event): event is Extract<Event, { kind: 'read' }> {
  return event.kind === 'read';
}
