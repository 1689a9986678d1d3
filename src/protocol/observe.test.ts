import assert from 'node:assert/strict';
import { observe, observed, observedNothing } from './observe.ts';
import { initialState, type Observation } from './state.ts';
import { headerReading, incarnationOf, readRecord } from './traces/notation.fixture.ts';
import type { Identity } from './types.ts';
import { DEFAULTS as timings } from './timings.fixture.ts';

describe('R1: one more read', () => {
  type Row = [
    before: string,
    now: string,
    lastStart: number,
    read: [number, number],
    unchanged: number,
    since: number,
  ];

  // Seen three times since 1000 before.
  // prettier-ignore
  const rows: Row[] = [
    ['owned b e1 #7',   'owned b e1 #7',    3000, [4000, 4010], 4, 1000],
    // Any difference, even in one field, even when it is one's own earlier record; counted from the return.
    ['owned b e1 #7',   'owned b e1 #8',    3000, [4000, 4400], 0, 4400],
    ['owned b e1 #7',   'owned b:d e1 #7',  3000, [4000, 4400], 0, 4400],
    ['owned b e1 #7',   'claimed b e1 #7',  3000, [4000, 4400], 0, 4400],
    ['owned b e1 #7',   'owned a e1 #7',    3000, [4000, 4400], 0, 4400],
    ['owned b e1 #7',   'released b e1 #7', 3000, [4000, 4400], 0, 4400],
    ['released b e1 #7', 'released b e1 #7 for a', 3000, [4000, 4400], 0, 4400],
    ['owned b e1 #7',   'null',             3000, [4000, 4400], 0, 4400],
    ['null',            'damaged 1',        3000, [3500, 3510], 0, 3510],
    ['damaged 1',       'damaged 2',        3000, [3500, 3510], 0, 3510],
    ['damaged 1',       'damaged 1',        3000, [3500, 3510], 4, 1000],
    // R9: from the start of one good read to the end of the next no more than S; a valid record does not mind.
    ['null',            'null',             3000, [3500, 4000], 4, 1000],
    ['null',            'null',             3000, [3500, 4001], 0, 4001],
    ['damaged 1',       'damaged 1',        3000, [3990, 4001], 0, 4001],
    ['owned b e1 #7',   'owned b e1 #7',    3000, [9000, 9900], 4, 1000],
  ];

  for (const [before, now, lastStartedAt, [startedAt, at], unchanged, sinceAt] of rows) {
    it(`${before}, then ${now} at ${startedAt}..${at}: unchanged ${unchanged} since ${sinceAt}`, () => {
      const former = { ...seen(before), lastStartedAt };
      const { observation, change } = observed(former, readRecord(now), { startedAt, at }, timings);
      assert.equal(observation.unchanged, unchanged);
      assert.equal(observation.sinceAt, sinceAt);
      assert.equal(observation.lastStartedAt, startedAt);
      assert.equal(change === undefined, unchanged > 0, 'a change is told, and nothing else');
    });
  }

  it('shows the record for the first time', () => {
    const read = { startedAt: 10, at: 30 };
    const { observation, change } = observed(undefined, readRecord('null'), read, timings);
    assert.deepEqual(observation, {
      reading: readRecord('null'),
      sinceAt: 30,
      unchanged: 0,
      lastStartedAt: 10,
      heartbeat: undefined,
    });
    assert.equal(change, 'first seen: null');
  });
});

describe('R8: a heartbeat was seen', () => {
  // prettier-ignore
  const rows: [reads: string[], epoch: number | undefined][] = [
    [['owned b e3 #7',   'owned b e3 #8'],                                       3],
    [['owned b e3 #7',   'owned b e3 #8',   'released b e3 #9'],                 3],
    [['owned b e3 #7',   'owned b e3 #8',   'owned b e3 #8', 'released b e3 #9'], 3],
    // A count that did not grow, and one that was never seen older.
    [['owned b e3 #8',   'owned b e3 #7'],                                       undefined],
    [['owned b e3 #7',   'released b e3 #8'],                                    undefined],
    // A claim is no heartbeat, and neither is what follows it.
    [['claimed b e3 #7', 'owned b e3 #8'],                                       undefined],
    [['claimed b e3 #7', 'claimed b e3 #8'],                                     undefined],
    // Another epoch or another incarnation, and whatever was seen before it, is somebody else's.
    [['owned b e3 #7',   'owned b e5 #8'],                                       undefined],
    [['owned b e3 #7',   'owned b:d e3 #8'],                                     undefined],
    [['owned b e3 #7',   'owned b e3 #8',   'released b e5 #9'],                 undefined],
    [['owned b e3 #7',   'owned b e3 #8',   'null', 'released b e3 #9'],         undefined],
    [['owned b e3 #7',   'owned b e3 #8',   'damaged 1', 'owned b e3 #8'],       undefined],
  ];

  for (const [reads, epoch] of rows) {
    it(`${reads.join(', ')}: ${epoch === undefined ? 'no' : `of epoch ${epoch}`}`, () => {
      let former: Observation | undefined;
      for (const [i, record] of reads.entries()) {
        const read = { startedAt: 100 * i, at: 100 * i + 10 };
        former = observed(former, readRecord(record), read, timings).observation;
      }
      assert.equal(former!.heartbeat?.epoch, epoch);
    });
  }

  it('at the start of the last read of the older count', () => {
    let former: Observation | undefined;
    for (const [startedAt, count] of [
      [0, 7],
      [1000, 7],
      [2000, 8],
      [3000, 8],
    ]) {
      const read = { startedAt: startedAt!, at: startedAt! + 10 };
      former = observed(former, readRecord(`owned b e3 #${count}`), read, timings).observation;
    }
    assert.equal(former!.heartbeat?.olderStartedAt, 1000);
  });
});

describe('R1: the next read', () => {
  // prettier-ignore
  const rows: [record: string, since: number, lastStart: number, next: number][] = [
    // Every T after the return of the read that first showed it, so that one starts exactly D after that.
    ['owned b e1 #7', 1010, 1000, 2010],
    ['owned b e1 #7', 1010, 2010, 3010],
    ['owned b e1 #7', 1010, 2300, 3010],
    ['owned b e1 #7', 1010, 5010, 6010],
    // A read that started a hair early does not make the next one come at once.
    ['owned b e1 #7', 1010, 2009, 2010],
    // R9: twice as often.
    ['null',          1010, 1000, 1510],
    ['damaged 1',     1010, 1510, 2010],
    ['null',          1010, 1700, 2010],
  ];

  for (const [record, sinceAt, startedAt, next] of rows) {
    it(`of ${record} since ${sinceAt}, after one at ${startedAt}, starts at ${next}`, () => {
      const turn = turnAt(startedAt + 10, startedAt < sinceAt ? undefined : { ...seen(record), sinceAt });
      observe(turn, readEvent(record, startedAt, startedAt < sinceAt ? sinceAt : startedAt + 10));
      assert.equal(turn.state.observeAt, next);
    });
  }

  it('comes in its turn after one that failed, which neither counts nor resets', () => {
    const before = { ...seen('owned b e1 #7'), sinceAt: 1010 };
    const turn = turnAt(2510, before);
    observedNothing(turn, { kind: 'read-failed', startedAt: 2010, at: 2510, reason: 'no answer' });
    assert.equal(turn.state.observeAt, 3010);
    assert.equal(turn.state.observation, before);
  });

  it('comes T after one that failed before anything was seen', () => {
    const turn = turnAt(510, undefined);
    observedNothing(turn, { kind: 'read-failed', startedAt: 10, at: 510, reason: 'no answer' });
    assert.equal(turn.state.observeAt, 1010);
  });
});

function seen(record: string): Observation {
  return {
    reading: readRecord(record),
    sinceAt: 1000,
    unchanged: 3,
    lastStartedAt: 1000,
    heartbeat: undefined,
  };
}

function turnAt(at: number, observation: Observation | undefined) {
  const identity: Identity = { node: 'a', index: 0, slots: 2, incarnation: incarnationOf('a'), timings };
  return { at, state: { ...initialState(identity), observation }, effects: [] };
}

function readEvent(record: string, startedAt: number, at: number) {
  const area = { header: headerReading(timings, 2, 'plain'), record: readRecord(record), slots: [] };
  return { kind: 'read' as const, startedAt, at, area };
}
