import assert from 'node:assert/strict';
import { literalInitialState, literalSummary } from './literal/state.ts';
import { initialState, type State } from './state.ts';
import { ownerIn, summary } from './summary.ts';
import { DEFAULTS as timings } from './timings.fixture.ts';
import { incarnationOf, readRecord } from './traces/notation.fixture.ts';
import type { Identity } from './types.ts';

const identity: Identity = { node: 'a', index: 0, slots: 2, incarnation: incarnationOf('a'), timings };

describe('what a status display may say', () => {
  // prettier-ignore
  const serving: [service: State['service'], at: number | undefined, serving: boolean][] = [
    ['running',  5249,      true],
    ['running',  5250,      false],
    ['running',  undefined, true],
    ['starting', 5249,      false],
    ['stopping', 5249,      false],
    ['none',     5249,      false],
  ];

  for (const [service, at, expected] of serving) {
    it(`an owner until 5250 whose service is ${service} serves at ${at}: ${expected}`, () => {
      const { role, epoch, leaseEndsAt, ...rest } = summary({ ...owner(), service }, at);
      assert.equal(rest.serving, expected);
      assert.deepEqual({ role, epoch, leaseEndsAt }, { role: 'active', epoch: 4, leaseEndsAt: 5250 });
    });
  }

  // prettier-ignore
  const owners: [record: string, owner: string, ownerEpoch: number][] = [
    ['owned b e3 #7',    'b', 3],
    ['claimed b e3 #7',  '',  3],
    ['released b e3 #7', '',  3],
    ['null',             '',  0],
    ['damaged 1',        '',  0],
  ];

  for (const [record, name, ownerEpoch] of owners) {
    it(`${record} is owned by '${name}', epoch ${ownerEpoch}`, () => {
      assert.deepEqual(ownerIn(readRecord(record)), { owner: name, ownerEpoch });
    });
  }

  it('a standby that has seen nothing knows nothing, and is blind while its reads fail', () => {
    const nothing = {
      role: 'starting',
      serving: false,
      blind: false,
      epoch: 0,
      leaseEndsAt: undefined,
      owner: '',
      ownerEpoch: 0,
      pause: null,
      holdsBack: false,
    };
    assert.deepEqual(summary(initialState(identity), 0), nothing);
    assert.deepEqual(summary({ ...initialState(identity), failures: 1 }, 0), { ...nothing, blind: true });
  });

  it('an area is paused while its newest record says so, unless that was lifted here', () => {
    const pause = { by: 'b', sinceWallMs: 1 };
    const pauses = { pause, epoch: 3, count: 7, liftedEpoch: -1, holds: true };
    const { pause: shown, holdsBack } = summary({ ...initialState(identity), pauses });
    assert.deepEqual([shown, holdsBack], [pause, true]);
    const lifted = { ...pauses, liftedEpoch: 3 };
    assert.equal(summary({ ...initialState(identity), pauses: lifted }).pause, null);
  });

  it('the method as published has no lease that could end', () => {
    const state = literalInitialState(identity);
    assert.equal(literalSummary(state).serving, false);
    assert.equal(literalSummary({ ...state, role: 'active', service: 'running' }).serving, true);
    assert.equal(literalSummary({ ...state, role: 'stopping', service: 'running' }).serving, false);
    assert.equal(literalSummary({ ...state, failures: 1 }).blind, true);
  });
});

function owner(): State {
  const tenure = {
    epoch: 4,
    leaseEndsAt: 5250,
    cycleStartedAt: 1000,
    nextCycleAt: 2000,
    hurry: false,
    access: { state: 'verified' },
    pause: null,
  } as const;
  return { ...initialState(identity), phase: { role: 'active', tenure } };
}
