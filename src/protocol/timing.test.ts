import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  accessRetryMs,
  deathWaitMs,
  leaseMs,
  quietIntervalMs,
  settleWaitMs,
  timingProblems,
} from './timing.ts';
import type { Timings } from './types.ts';
import { DEFAULTS } from './timings.fixture.ts';

/** Clock rates may be off by as much (PROTOCOL.md, drift). */
const [SLOWEST, FASTEST] = [0.95, 1.05];

describe('the time budget', () => {
  it('is what the worked timelines say it is', () => {
    assert.equal(deathWaitMs(DEFAULTS), 5000);
    assert.equal(leaseMs(DEFAULTS), 4250);
    assert.equal(settleWaitMs(DEFAULTS), 1120);
    assert.equal(quietIntervalMs(DEFAULTS), 500);
    assert.equal(accessRetryMs(DEFAULTS), 250);
    assert.deepEqual(timingProblems(DEFAULTS), []);
  });

  it('asks for the data area four times in T, but never more than twenty times in a second', () => {
    assert.equal(accessRetryMs({ ...DEFAULTS, intervalMs: 204 }), 51);
    assert.equal(accessRetryMs({ ...DEFAULTS, intervalMs: 100 }), 50);
  });

  it('keeps a lease on the slowest clock within the death wait of the fastest', () => {
    fc.assert(
      fc.property(timings, (t) => {
        assert.ok(leaseMs(t) / SLOWEST < deathWaitMs(t) / FASTEST);
      }),
    );
  });

  it('lets a settling claimant outwait S of the slowest clock', () => {
    fc.assert(
      fc.property(timings, (t) => {
        assert.ok(settleWaitMs(t) / FASTEST > t.settleMs / SLOWEST);
      }),
    );
  });
});

describe('the relations between timings', () => {
  type Border = {
    relation: string;
    of: keyof Timings;
    inside: number;
    outside: number;
    says: string;
    mode?: 'caw';
    with?: Partial<Timings>;
  };

  // prettier-ignore
  const borders: Border[] = [
    { relation: 'M >= 3',                        of: 'misses',      inside: 3,    outside: 2,    with: { settleMs: 501, deadlineMs: 20, stopGraceMs: 20 },
      says: 'an owner would count as dead too soon: M = 2 must be at least 3' },
    { relation: '2.12 S + 3 q < L, by q',        of: 'deadlineMs',  inside: 709,  outside: 710,
      says: 'a claim could not be finished within its lease: 2.12 S + 3 q = 2.12 x 1000 + 3 x 710 = 4250 ms must be below L = 0.85 x 5 x 1000 = 4250 ms' },
    { relation: '2.12 S + 3 q < L, by S',        of: 'settleMs',    inside: 1297, outside: 1298,
      says: 'a claim could not be finished within its lease: 2.12 S + 3 q = 2.12 x 1298 + 3 x 500 = 4251.76 ms must be below L = 0.85 x 5 x 1000 = 4250 ms' },
    { relation: '2.12 S + 3 q < L, by M',        of: 'misses',      inside: 5,    outside: 4,    with: { stopGraceMs: 100 },
      says: 'a claim could not be finished within its lease: 2.12 S + 3 q = 2.12 x 1000 + 3 x 500 = 3620 ms must be below L = 0.85 x 4 x 1000 = 3400 ms' },
    { relation: 'T + 3 q + stopGrace < L',       of: 'stopGraceMs', inside: 1749, outside: 1750,
      says: 'one failed heartbeat would cost the lease: T + 3 q + stopGrace = 1000 + 3 x 500 + 1750 = 4250 ms must be below L = 0.85 x 5 x 1000 = 4250 ms' },
    { relation: 'T + 3 q + stopGrace < L, by q', of: 'deadlineMs',  inside: 583,  outside: 584,  with: { stopGraceMs: 1500 },
      says: 'one failed heartbeat would cost the lease: T + 3 q + stopGrace = 1000 + 3 x 584 + 1500 = 4252 ms must be below L = 0.85 x 5 x 1000 = 4250 ms' },
    { relation: 'T / 2 < S',                     of: 'settleMs',    inside: 501,  outside: 500,
      says: 'a null or damaged record could never be claimed: reads start T / 2 = 500 ms apart, and from the start of one to the end of the next no more than S = 500 ms may pass' },
    { relation: 'T / 2 < S, by T',               of: 'intervalMs',  inside: 1999, outside: 2000,
      says: 'a null or damaged record could never be claimed: reads start T / 2 = 1000 ms apart, and from the start of one to the end of the next no more than S = 1000 ms may pass' },
    { relation: 'M >= 3, caw',                   of: 'misses',      inside: 3,    outside: 2,    with: { deadlineMs: 20, stopGraceMs: 20 }, mode: 'caw',
      says: 'an owner would count as dead too soon: M = 2 must be at least 3' },
    { relation: 'T + 2 q + stopGrace < L, caw',  of: 'stopGraceMs', inside: 2249, outside: 2250, mode: 'caw',
      says: 'one failed heartbeat would cost the lease: T + 2 q + stopGrace = 1000 + 2 x 500 + 2250 = 4250 ms must be below L = 0.85 x 5 x 1000 = 4250 ms' },
  ];

  for (const { relation, of, inside, outside, says, mode = 'plain', with: others = {} } of borders) {
    it(`${relation}: ${of} = ${inside} passes, ${outside} is refused with the numbers`, () => {
      assert.deepEqual(timingProblems({ ...DEFAULTS, ...others, [of]: inside }, mode), []);
      assert.deepEqual(timingProblems({ ...DEFAULTS, ...others, [of]: outside }, mode), [says]);
    });
  }

  it('are exactly these, for every timing: none is missing and none is too strict', () => {
    fc.assert(
      fc.property(timings, (t) => {
        assert.equal(timingProblems(t).length, brokenPlain(t), JSON.stringify(timingProblems(t)));
        assert.equal(timingProblems(t, 'caw').length, brokenCompareAndWrite(t));
      }),
      { numRuns: 2000 },
    );
  });

  it('are all named, when several are broken', () => {
    const problems = timingProblems({ ...DEFAULTS, misses: 2, settleMs: 400 });
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[0]),
      [
        'an owner would count as dead too soon',
        'a claim could not be finished within its lease',
        'one failed heartbeat would cost the lease',
        'a null or damaged record could never be claimed',
      ],
    );
  });

  it('do not bind the settle time under compare-and-write, which waits for nothing', () => {
    assert.deepEqual(timingProblems({ ...DEFAULTS, settleMs: 1 }, 'caw'), []);
    assert.deepEqual(timingProblems({ ...DEFAULTS, settleMs: 60_000 }, 'caw'), []);
  });
});

describe('one timing by itself', () => {
  // prettier-ignore
  const ranges: [keyof Timings, number, number][] = [
    ['intervalMs',  10, 3_600_000],
    ['misses',       1,      1000],
    ['settleMs',     1, 3_600_000],
    ['deadlineMs',   1, 3_600_000],
    ['stopGraceMs',  1, 3_600_000],
  ];

  for (const [name, least, most] of ranges) {
    it(`${name} is a whole number from ${least} to ${most}`, () => {
      const insane = (value: number) =>
        timingProblems({ ...DEFAULTS, [name]: value }).filter((problem) => problem.startsWith(`${name} =`));
      for (const value of [least, most]) assert.deepEqual(insane(value), []);
      for (const value of [least - 1, most + 1, least + 0.5, NaN, Infinity, -least]) {
        assert.deepEqual(insane(value), [
          `${name} = ${value} must be a whole number from ${least} to ${most}`,
        ]);
      }
    });
  }

  it('is looked at before the relations, which would only repeat it in other words', () => {
    assert.deepEqual(timingProblems({ ...DEFAULTS, misses: 0, settleMs: 0.5 }), [
      'misses = 0 must be a whole number from 1 to 1000',
      'settleMs = 0.5 must be a whole number from 1 to 3600000',
    ]);
  });
});

/** Timings near the borders of the relations: each is drawn around the value that would just meet one. */
const timings: fc.Arbitrary<Timings> = fc
  .record({
    intervalMs: fc.integer({ min: 10, max: 5000 }),
    misses: fc.integer({ min: 1, max: 12 }),
    settle: fc.double({ min: 0.3, max: 1.1, noNaN: true }),
    deadline: fc.double({ min: 0.02, max: 1.1, noNaN: true }),
    grace: fc.double({ min: 0.02, max: 1.1, noNaN: true }),
  })
  .map(({ intervalMs, misses, settle, deadline, grace }) => {
    const lease = 0.85 * misses * intervalMs;
    const settleMs = whole((settle * lease) / 2.12);
    const deadlineMs = whole((deadline * (lease - 2.12 * settleMs)) / 3);
    return {
      intervalMs,
      misses,
      settleMs,
      deadlineMs,
      stopGraceMs: whole(grace * (lease - intervalMs - 3 * deadlineMs)),
    };
  });

function whole(value: number): number {
  return Math.max(1, Math.round(value));
}

/** How many relations are broken, in whole numbers: hundredths of a millisecond. */
function brokenPlain({
  intervalMs: T,
  misses: M,
  settleMs: S,
  deadlineMs: q,
  stopGraceMs: grace,
}: Timings): number {
  return [M >= 3, 212 * S + 300 * q < 85 * M * T, 100 * (T + 3 * q + grace) < 85 * M * T, T < 2 * S].filter(
    (holds) => !holds,
  ).length;
}

function brokenCompareAndWrite({
  intervalMs: T,
  misses: M,
  deadlineMs: q,
  stopGraceMs: grace,
}: Timings): number {
  return [M >= 3, 100 * (T + 2 * q + grace) < 85 * M * T].filter((holds) => !holds).length;
}
