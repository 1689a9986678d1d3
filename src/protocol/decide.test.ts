import assert from 'node:assert/strict';
import { decide } from './decide.ts';
import type { Observation } from './state.ts';
import { incarnationOf, readRecord } from './traces/notation.fixture.ts';
import { DEFAULTS } from './timings.fixture.ts';
import type { Pause } from './types.ts';

const SELF = { node: 'a', incarnation: incarnationOf('a'), timings: DEFAULTS };

/** `since`: return of the read that first showed these bytes; `read`: start and return of the latest one. */
type Row = [record: string, since: number, unchanged: number, read: [number, number], verdict: string];

// prettier-ignore
const rows: Row[] = [
  // R1: M further reads, the last of them started D after the first had returned.
  ['owned b e1 #7',    100, 5, [5100, 5110], 'claim R1'],
  ['owned b e1 #7',    100, 5, [5099, 5109], 'near R1'],
  ['owned b e1 #7',    100, 4, [5100, 5110], 'near R1'],
  ['owned b e1 #7',    100, 9, [9000, 9001], 'claim R1'],
  // When the deciding read returned never counts.
  ['owned b e1 #7',    100, 5, [5099, 9999], 'near R1'],
  // R3: time to reserve an epoch.
  ['owned b e1 #7',    100, 3, [3100, 3110], 'near R1'],
  ['owned b e1 #7',    100, 3, [3099, 3110], 'observe R1'],
  ['owned b e1 #7',    100, 0, [90, 100],    'observe R1'],
  // A claimant is observed like an owner, an own earlier record like anybody's, and a release without a witness, too.
  ['claimed b e1 #7',  100, 5, [5100, 5110], 'claim R1'],
  ['claimed b e1 #7',  100, 5, [5099, 5110], 'near R1'],
  ['owned a:d e2 #7',  100, 5, [5099, 5110], 'near R1'],
  ['owned a e2 #7',    100, 0, [110, 120],   'observe R1'],
  ['released b e1 #7', 100, 5, [5100, 5110], 'claim R1'],
  ['released b e1 #7', 100, 0, [110, 120],   'observe R1'],
  // R8: whoever let go goes last; its former self is anybody.
  ['released a e2 #7', 100, 9, [5100, 5110], 'near R1'],
  ['released a e2 #7', 100, 9, [7099, 7110], 'near R1'],
  ['released a e2 #7', 100, 7, [7100, 7110], 'claim R1'],
  ['released a e2 #7', 100, 5, [5099, 5110], 'observe R1'],
  ['released a:d e2 #7', 100, 5, [5100, 5110], 'claim R1'],
  // R9: D, by the raw bytes; the reads come twice as often, and their gaps were looked at before.
  ['null',             100, 9, [5100, 5110], 'claim R9'],
  ['null',             100, 9, [5099, 5110], 'near R9'],
  ['null',             100, 0, [110, 120],   'observe R9'],
  ['damaged 1',        100, 9, [5100, 5110], 'claim R9'],
  ['damaged 1',        100, 9, [5099, 9999], 'near R9'],
];

describe('R2: what a read lets server a do', () => {
  for (const [record, since, unchanged, read, verdict] of rows) {
    it(`${record}, ${unchanged} times since ${since}, read ${read.join('..')}: ${verdict}`, () => {
      assert.equal(verdictOf(record, since, unchanged, read, undefined), verdict);
    });
  }

  it('is said with what it goes by', () => {
    const seen = observation('owned b e1 #7', 100, 5, 5100, undefined);
    assert.equal(
      decide(seen, { startedAt: 5100, at: 5110 }, SELF, null).why,
      'owner b of epoch 1 unchanged for 5000 ms, 5 reads in a row',
    );
  });
});

/** `alive`: the epoch whose count was seen to grow, and the start of the last read of the older count. */
type Release = [record: string, alive: [number, number] | undefined, readAt: number, verdict: string];

// prettier-ignore
const releases: Release[] = [
  // Whoever saw this very epoch alive less than 0.85 D ago, counted from the start of the older read to the return of this one.
  ['released b e3 #7',       [3, 1000], 1500, 'claim R8'],
  ['released b e3 #7',       [3, 1000], 5249, 'claim R8'],
  ['released b e3 #7',       [3, 1000], 5250, 'observe R1'],
  // Another epoch's heartbeat is no witness of this one.
  ['released b e3 #7',       [1, 1000], 1500, 'observe R1'],
  ['released b e3 #7',       undefined, 1500, 'observe R1'],
  // The named successor may go first, the others hold back.
  ['released b e3 #7 for a', [3, 1000], 1500, 'claim R8'],
  ['released b e3 #7 for c', [3, 1000], 1500, 'observe R1'],
  // The named successor saw nothing: D applies to it as well.
  ['released b e3 #7 for a', undefined, 1500, 'observe R1'],
  ['released b e3 #7 for a', [3, 1000], 5250, 'observe R1'],
  // Nothing but a release is one.
  ['claimed b e3 #7',        [3, 1000], 1500, 'observe R1'],
  ['owned b e3 #7',          [3, 1000], 1500, 'observe R1'],
  ['null',                   [3, 1000], 1500, 'observe R9'],
];

describe('R8: server a skips D', () => {
  for (const [record, alive, readAt, verdict] of releases) {
    const witness =
      alive === undefined ? 'nothing seen alive' : `epoch ${alive[0]} seen alive at ${alive[1]}`;
    it(`${record}, ${witness}, read at ${readAt}: ${verdict}`, () => {
      assert.equal(verdictOf(record, readAt - 100, 0, [readAt - 10, readAt], alive), verdict);
    });
  }
});

/** `seen`: since when, how often, and the latest read, as above. `alive` as for a release. */
type Paused = [
  record: string,
  seen: [number, number, number],
  alive: [number, number] | undefined,
  verdict: string,
];

// prettier-ignore
const paused: Paused[] = [
  // Nobody takes over by itself, whatever it would go by, and nothing is prepared for it.
  ['owned b e1 #7',          [100, 5, 5100], undefined, 'held R1'],
  ['owned b e1 #7',          [100, 3, 3100], undefined, 'observe R1'],
  ['claimed b e1 #7',        [100, 5, 5100], undefined, 'held R1'],
  ['owned a:d e2 #7',        [100, 5, 5100], undefined, 'held R1'],
  ['released b e3 #7',       [100, 5, 5100], undefined, 'held R1'],
  ['released b e3 #7',       [100, 0, 200],  [3, 0],    'held R8'],
  ['null',                   [100, 9, 5100], undefined, 'held R9'],
  ['damaged 1',              [100, 9, 5100], undefined, 'held R9'],
  // A hand-over was somebody's wish: whom it names may go, with D or without, and nobody else.
  ['released b e3 #7 for a', [100, 0, 200],  [3, 0],    'claim R8'],
  ['released b e3 #7 for a', [100, 5, 5100], undefined, 'claim R1'],
  ['released b e3 #7 for a', [100, 3, 3100], undefined, 'near R1'],
  ['released b e3 #7 for c', [100, 5, 5100], [3, 0],    'held R1'],
];

describe('R10: while the area is paused, server a', () => {
  for (const [record, [since, unchanged, startedAt], alive, verdict] of paused) {
    const witness = alive === undefined ? '' : `, epoch ${alive[0]} seen alive`;
    it(`${record}, ${unchanged} times since ${since}, read at ${startedAt}${witness}: ${verdict}`, () => {
      const pause = { by: 'b', sinceWallMs: 0 };
      const read: [number, number] = [startedAt, startedAt + 10];
      assert.equal(verdictOf(record, since, unchanged, read, alive, pause), verdict);
    });
  }
});

function verdictOf(
  record: string,
  since: number,
  unchanged: number,
  [startedAt, at]: [number, number],
  alive: [number, number] | undefined,
  pause: Pause | null = null,
): string {
  const seen = observation(record, since, unchanged, startedAt, alive);
  const { verdict, rule } = decide(seen, { startedAt, at }, SELF, pause);
  return `${verdict} ${rule}`;
}

function observation(
  record: string,
  sinceAt: number,
  unchanged: number,
  lastStartedAt: number,
  alive: [number, number] | undefined,
): Observation {
  const heartbeat = alive && { epoch: alive[0], olderStartedAt: alive[1], incarnation: 'b'.repeat(32) };
  return { reading: readRecord(record), sinceAt, unchanged, lastStartedAt, heartbeat };
}
