import type { Timings } from '../types.ts';
import { TIMINGS } from './plans.fixture.ts';
import { DISK_ERROR } from './requests.fixture.ts';
import { hurriedBy, on, onActive, strike, type Weakness, weakness } from './weakness.fixture.ts';

/** R5 to R9, and R0: keeping, giving up and finding an ownership, each less careful than it has to be. */
export const weakLeases: readonly Weakness[] = [
  weakness(
    { name: 'W8 R5: the same bytes are written twice', seeds: 20, breaks: '(bytes)' },
    {
      after: (state, event) =>
        event.kind === 'write-failed' && state.phase.role === 'active'
          ? { ...state, count: state.count - 1 }
          : state,
    },
    (random) => [strike(onActive(1, random.between(0, 8000)), 'subject', 'hold', random.between(300, 3000))],
  ),
  weakness(
    { name: 'W9 R6: a lapsed lease is renewed', seeds: 100, breaks: '(a)' },
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
  weakness(
    {
      name: 'W10 a lease longer than the death wait',
      seeds: 100,
      breaks: '(a)',
      world: { timings: { ...TIMINGS[2]!, stopGraceMs: 100 }, servers: 2 },
    },
    {
      // Longer by 0.4 for whoever has or confirms an ownership; an observer waits as long as ever.
      before: (state, event) => {
        const { phase, identity } = state;
        if (!('tenure' in phase || phase.role === 'settling')) return { state, event };
        const timings = { ...identity.timings, misses: 1.4 * identity.timings.misses };
        return { state: { ...state, identity: { ...identity, timings } }, event };
      },
      after: (state, _event, former) => ({ ...state, identity: former.identity }),
    },
    (random) => {
      const heldAt = random.between(1000, 4000);
      return [
        strike(onActive(1, heldAt), 'subject', 'hesitate', random.between(2600, 4000)),
        strike(onActive(1, heldAt + 1100), 'subject', 'linger', random.between(2000, 4000)),
        strike(on('decided', 1, 0, 7500), 'subject', 'hesitate', random.between(0, 900)),
      ];
    },
  ),
  weakness(
    { name: 'W11 R8: a release is believed by anybody at once', seeds: 100, breaks: '(a)' },
    hurriedBy(({ reading }) => reading.kind === 'valid' && reading.value.node === ''),
    (random) => {
      const releasedAt = random.between(1500, 3000);
      return [
        strike(onActive(1, releasedAt), 'subject', 'hold', random.between(5500, 9500), 0),
        strike(onActive(1, releasedAt + 5), 'subject', 'release'),
        strike(onActive(2, random.between(0, 1500)), 'subject', 'stall', random.between(1500, 5000)),
      ];
    },
  ),
  weakness(
    {
      name: 'R8: a write that the disk failed counts as one that never lands',
      seeds: 20,
      breaks: '(a)',
      world: { timings: lasting(9) },
    },
    {
      before: (state, event) =>
        event.kind === 'write-failed' && event.reason === DISK_ERROR
          ? { state, event: { ...event, outcome: 'failed' } }
          : { state, event },
    },
    (random) => {
      const releasedAt = random.between(1500, 3000);
      const lateMs = random.between(2000, 5000);
      return [
        { ...strike(onActive(1, releasedAt), 'subject', 'error', lateMs, 0), lands: true },
        strike(onActive(1, releasedAt + 5), 'subject', 'release'),
        strike(onActive(1, releasedAt + 10), 'standby', 'stall', lateMs + random.between(0, 900)),
        strike(onActive(2, random.between(0, 300)), 'subject', 'stall', random.between(2500, 6000)),
      ];
    },
  ),
  weakness(
    { name: 'W12 R9: a null record is claimed at once', seeds: 40, breaks: '(a)' },
    hurriedBy(({ reading }) => reading.kind === 'null'),
    (random) => [
      strike(onActive(1, 2000), 'subject', 'stall', random.between(1500, 4500)),
      strike(onActive(1, random.between(2000, 3000)), 0, 'wipe'),
    ],
  ),
  weakness(
    {
      name: 'W12 R9: damage is claimed though its bytes change',
      seeds: 60,
      breaks: '(a)',
      world: { timings: TIMINGS[0]! },
    },
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
    (random) => {
      const [from, every] = [random.between(9000, 10_000), random.between(60, 150)];
      const length = Math.round(random.between(4800, 6500) / every);
      return [
        ...Array.from({ length }, (_, i) => strike({ at: from + i * every }, 0, 'damage')),
        strike(on('decided', 1, random.between(0, 100)), 'active', 'stall', random.between(1500, 4500)),
      ];
    },
  ),
  weakness(
    {
      name: 'W13 R0: a header rewritten under running agents changes nothing for them',
      seeds: 100,
      breaks: '(a)',
      world: { timings: lasting(9), servers: 2 },
    },
    {
      before: (state, event) => ({
        state: event.kind === 'read' ? { ...state, header: event.area.header.bytes } : state,
        event,
      }),
    },
    (random) => [
      { kind: 'lay-out', server: 0, when: onActive(1, 2000), timings: lasting(4) },
      strike(onActive(1, 2000 + random.between(0, 1000)), 'standby', 'crash', random.between(100, 1000)),
      strike({ at: random.between(30_000, 36_000) }, 'active', 'stall', random.between(2000, 9000)),
    ],
  ),
  weakness(
    { name: 'R10: a pause in the record is not looked at', seeds: 20, breaks: '(R10)' },
    {
      before: (state, event) => {
        if (event.kind !== 'read' || event.area.record.kind !== 'valid') return { state, event };
        const record = { ...event.area.record, value: { ...event.area.record.value, pause: null } };
        const isObserver = state.phase.role === 'standby';
        return { state, event: isObserver ? { ...event, area: { ...event.area, record } } : event };
      },
    },
    (random) => [
      strike(onActive(1, 1000), 'subject', 'pause'),
      strike(onActive(1, random.between(1500, 8000)), 'subject', 'crash', 60_000),
    ],
  ),
];

function lasting(misses: number): Timings {
  return { ...TIMINGS[2]!, misses };
}
