import assert from 'node:assert/strict';
import { look } from './renew.ts';
import { initialState, type State, type Tenure } from './state.ts';
import { step } from './step.ts';
import { headerReading, incarnationOf, readRecord, recordText } from './traces/notation.fixture.ts';
import type { Effect, Event, Identity } from './types.ts';
import { DEFAULTS as timings } from './timings.fixture.ts';

const self: Identity = { node: 'a', index: 0, slots: 2, incarnation: incarnationOf('a'), timings };

describe('R5: what a heartbeat read shows the owner of epoch 4', () => {
  type Row = [record: string, sight: string, then: string, told: string];

  // prettier-ignore
  const rows: Row[] = [
    ['owned a e4 #7',      'own',     'active, writes owned a e4 #8',   ''],
    // Late writes of oneself: a lower count, the claim.
    ['owned a e4 #3',      'own',     'active, writes owned a e4 #8',   ''],
    ['claimed a e4 #6',    'own',     'active, writes owned a e4 #8',   ''],
    // A higher epoch, whoever's and whatever: stop at once.
    ['owned b e5 #1',      'higher',  'standby',                        ''],
    ['claimed b e5 #1',    'higher',  'standby',                        ''],
    ['released b e5 #1',   'higher',  'standby',                        ''],
    ['owned a:d e6 #1',    'higher',  'standby',                        ''],
    // A lower one, or none: written over, and counted.
    ['owned b e3 #9',      'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    ['claimed b e3 #9',    'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    ['released b e3 #9',   'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    ['owned a:d e2 #9',    'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    ['owned a e2 #9',      'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    ['null',               'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    ['damaged 1',          'foreign', 'active, writes owned a e4 #8',   'overwrote'],
    // The own epoch under another name or incarnation: two agents share one identity.
    ['owned a:d e4 #9',    'twin',    'ended',                          'ended'],
    ['owned b:a e4 #9',    'twin',    'ended',                          'ended'],
    ['claimed b e4 #9',    'twin',    'ended',                          'ended'],
    ['released b e4 #9',   'twin',    'ended',                          'ended'],
  ];

  for (const [record, sight, then, told] of rows) {
    it(`${record} is ${sight}: ${then}`, () => {
      assert.equal(look(readRecord(record), self, 4).is, sight);
      const { state, effects } = step(reading(), read(record, 2000, 2010));
      const written = effects.find((effect) => effect.do === 'write-record');
      assert.equal(
        written === undefined
          ? state.phase.role
          : `${state.phase.role}, writes ${recordText(written.record)}`,
        then,
      );
      const entries = eventsIn(effects).filter((event) => event === 'overwrote' || event === 'ended');
      assert.deepEqual(entries, told === '' ? [] : [told]);
    });
  }

  it('is forbidden to be written over when it is higher, also while a clean stop is under way', () => {
    const { phase } = reading();
    assert.ok('tenure' in phase);
    const stopping: State = {
      ...reading(),
      service: 'stopping',
      phase: {
        role: 'stopping',
        tenure: phase.tenure,
        releasing: true,
        successor: '',
        how: 'grace',
        next: { do: 'observe' },
        rule: 'R8',
        reason: 'a clean stop was asked for',
      },
    };
    const { effects } = step(stopping, read('claimed b e5 #1', 2000, 2010));
    assert.ok(!effects.some((effect) => effect.do === 'write-record'));
    assert.ok(effects.some((effect) => effect.do === 'stop-service' && effect.how === 'now'));
    assert.ok(eventsIn(effects).includes('released'));
  });
});

describe('R5, R6: the lease of a cycle that started at 2000, when the last one ends at 5250', () => {
  type Row = [event: Event, endsAt: number, role: string];

  // prettier-ignore
  const rows: Row[] = [
    // From the start of the cycle, not of the write, and not of its answer.
    [{ kind: 'written', startedAt: 2010, at: 2020 },                                                    6250, 'active'],
    [{ kind: 'written', startedAt: 2010, at: 4249 },                                                    6250, 'active'],
    // stopGrace before its end stopping begins, and is not taken back: the lease only covers it.
    [{ kind: 'written', startedAt: 2010, at: 4250 },                                                    6250, 'stopping'],
    [{ kind: 'written', startedAt: 2010, at: 5249 },                                                    6250, 'stopping'],
    // A lease that has ended is not renewed, by whatever was under way.
    [{ kind: 'written', startedAt: 2010, at: 5250 },                                                    5250, 'stopping'],
    [{ kind: 'written', startedAt: 2010, at: 9000 },                                                    5250, 'stopping'],
    // What failed, or was not answered, extends nothing.
    [{ kind: 'write-failed', startedAt: 2010, at: 2510, outcome: 'unknown', reason: 'no answer' },      5250, 'active'],
    [{ kind: 'write-failed', startedAt: 2010, at: 2020, outcome: 'failed', reason: 'EIO' },             5250, 'active'],
  ];

  for (const [event, endsAt, role] of rows) {
    it(`${event.kind} at ${event.at}: ${role}, until ${endsAt}`, () => {
      const cycle = step(reading(), read('owned a e4 #7', 2000, 2010)).state;
      const { state, effects } = step({ ...cycle, service: 'running' }, event);
      assert.equal(state.phase.role, role);
      assert.ok('tenure' in state.phase);
      assert.equal(state.phase.tenure.leaseEndsAt, endsAt);
      assert.equal(
        effects.some((effect) => effect.do === 'lease'),
        endsAt === 6250,
      );
    });
  }

  it('is kept by a clean stop until the release: a heartbeat answered in time renews it, one too late does not', () => {
    const cycle = step(reading(), read('owned a e4 #7', 2000, 2010)).state;
    const stopping = step(
      { ...cycle, service: 'running' },
      // oxlint-disable-next-line unicorn/no-thenable -- the field's name, not a promise
      { kind: 'release', at: 2015, then: 'observe' },
    ).state;
    for (const [at, endsAt] of [
      [5249, 6250],
      [5250, 5250],
    ]) {
      const { phase } = step(stopping, { kind: 'written', startedAt: 2010, at: at! }).state;
      assert.ok('tenure' in phase);
      assert.equal(phase.tenure.leaseEndsAt, endsAt);
    }
  });
});

/** Server a, active, its heartbeat read of 2000 under way; the last cycle started at 1000. */
function reading(): State {
  const tenure: Tenure = {
    epoch: 4,
    leaseEndsAt: 5250,
    cycleStartedAt: 1990,
    nextCycleAt: 3000,
    hurry: false,
    access: { state: 'verified' },
    pause: null,
  };
  return {
    ...initialState(self),
    header: headerReading(timings, 2, 'plain').bytes,
    phase: { role: 'active', tenure },
    pending: { op: 'read' },
    slot: { counter: 1, nextAt: 1e9, writing: undefined },
    count: 7,
  };
}

function read(record: string, startedAt: number, at: number): Event {
  const area = { header: headerReading(timings, 2, 'plain'), record: readRecord(record), slots: [] };
  return { kind: 'read', startedAt, at, area };
}

function eventsIn(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.do === 'journal' ? [effect.entry.event] : []));
}
