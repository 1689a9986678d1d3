import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Grant } from '../ports/audit.ts';
import { type GrantEvent, type GrantState, initialGrants, judge, stepGrants } from './grants.ts';

const a5: Grant = { node: 'a', epoch: 5, incarnation: 'aaaaaaaa' };
const a5again: Grant = { node: 'a', epoch: 5, incarnation: 'a2a2a2a2' };
const b5: Grant = { node: 'b', epoch: 5, incarnation: 'bbbbbbbb' };
const b7: Grant = { node: 'b', epoch: 7, incarnation: 'bbbbbbbb' };
const c9: Grant = { node: 'c', epoch: 9, incarnation: 'cccccccc' };

function state(phase: GrantState['phase'], ...grants: (Grant | null)[]): GrantState {
  const [granted = null, next = null, overtaking = null] = grants;
  return { phase, granted, floor: 0, next, overtaking };
}

/** The last grant was lost, and may have been of this epoch. */
function lost(floor: number, phase: GrantState['phase'] = 'open', next: Grant | null = null): GrantState {
  return { ...state(phase, null, next), floor };
}
const record = (owned: Grant | null): GrantEvent => ({ event: 'record', owned });
const stored: GrantEvent = { event: 'stored' };
const failed: GrantEvent = { event: 'store-failed' };
const drained: GrantEvent = { event: 'drained' };

describe('grants: what an event leads to', () => {
  // prettier-ignore
  const rows: readonly [before: GrantState, event: GrantEvent, after: GrantState, action: string, why: string][] = [
    [state('closed'),               record(null),    state('open'),                   '-',       'nothing to grant in an empty area'],
    [state('closed', b7),           record(null),    state('open', b7),               '-',       'after a restart the last grant is in force again'],
    [state('closed', b7),           record(b7),      state('open', b7),               '-',       'after a restart the same owner is still the owner'],
    [state('closed', b7),           record(a5),      state('open', b7),               '-',       'a record that went back takes nothing back'],
    [state('closed', b7),           record(c9),      state('storing', b7, c9),        'store 9', 'an owner that established itself while the gate was down'],
    [state('open'),                 record(a5),      state('storing', null, a5),      'store 5', 'the first owner'],
    [lost(5, 'closed'),             record(a5),      lost(5),                         '-',       'what may be over is not granted again'],
    [lost(5, 'closed'),             record(b7),      lost(5, 'storing', b7),          'store 7', 'what was never granted is'],
    [lost(5, 'storing', b7),        record(a5),      lost(5, 'storing', b7),          '-',       'no late record overtakes it'],
    [lost(5, 'storing', b7),        stored,          { ...state('draining', b7), floor: 5 }, 'fence 7 after 5', 'whoever had a grant before is ended'],
    [state('open', a5),             record(b7),      state('storing', a5, b7),        'store 7', 'a takeover'],
    [state('open', b7),             record(b7),      state('open', b7),               '-',       'a heartbeat'],
    [state('open', b7),             record(a5),      state('open', b7),               '-',       'lower epochs never come back'],
    [state('open', a5),             record(b5),      state('open', a5),               '-',       'an equal epoch of another node is not granted'],
    [state('open', a5),             record(a5again), state('open', a5),               '-',       'nor one of another incarnation'],
    [state('storing', a5, b7),      stored,          state('draining', b7),           'fence 7 after 5', 'durable: now the former owner is ended'],
    [state('storing', null, a5),    stored,          state('draining', a5),           'fence 5 after 0', 'no former owner: whoever was admitted otherwise'],
    [state('storing', a5, b7),      failed,          state('open', a5),               '-',       'what is not durable is not granted'],
    [state('open', a5),             record(b7),      state('storing', a5, b7),        'store 7', 'and the next heartbeat tries again'],
    [state('storing', a5, b7),      record(b7),      state('storing', a5, b7),        '-',       'one store at a time'],
    [state('storing', a5, b7),      record(c9),      state('storing', a5, b7, c9),    '-',       'overtaken while being stored'],
    [state('storing', a5, b7, c9),  record(b7),      state('storing', a5, b7, c9),    '-',       'a late record does not overtake back'],
    [state('storing', a5, b7, c9),  stored,          state('draining', b7, c9),       'fence 7 after 5', 'the former owner is ended all the same'],
    [state('draining', b7),         record(c9),      state('draining', b7, c9),       '-',       'overtaken while draining'],
    [state('draining', b7),         drained,         state('open', b7),               'open 7',  'nothing of older owners is left: let in'],
    [state('draining', b7, c9),     drained,         state('storing', b7, c9),        'store 9', 'the overtaken one is never let in'],
  ];
  for (const [before, event, after, action, why] of rows) {
    it(`${why}: ${before.phase}, ${event.event} => ${after.phase}`, () => {
      const result = stepGrants(before, event);
      assert.deepEqual(result.state, after);
      assert.equal(spell(result.action), action);
    });
  }
});

describe('grants: who is let in', () => {
  // prettier-ignore
  const rows: readonly [state: GrantState, wanted: Grant, answer: string][] = [
    [state('closed', a5),          a5,      'wait'],
    [state('open'),                a5,      'nobody has been granted the data area yet'],
    [lost(5),                      a5,      'the last grant was lost, and an epoch up to 5 may be over'],
    [lost(5),                      b7,      'the last grant was lost, and an epoch up to 5 may be over'],
    [lost(5, 'storing', b7),       b7,      'wait'],
    [state('open', a5),            a5,      'admit'],
    [state('open', a5),            a5again, 'epoch 5 is granted to another incarnation of a'],
    [state('open', a5),            b5,      'epoch 5 is granted to a'],
    [state('open', a5),            b7,      'the quorum record does not show an owner of epoch 7'],
    [state('open', b7),            a5,      'epoch 5 is over'],
    [state('storing', a5, b7),     b7,      'wait'],
    [state('storing', a5, b7),     a5,      'wait'],
    [state('storing', a5, b7),     c9,      'the quorum record does not show an owner of epoch 9'],
    [state('storing', a5, b7, c9), b7,      'wait'],
    [state('storing', a5, b7, c9), c9,      'wait'],
    [state('draining', b7),        b7,      'wait'],
    [state('draining', b7),        a5,      'epoch 5 is over'],
    [state('draining', b7, c9),    b7,      'wait'],
    [state('draining', b7, c9),    c9,      'wait'],
    [state('draining', b7, c9),    a5,      'epoch 5 is over'],
  ];
  for (const [state, wanted, answer] of rows) {
    it(`${state.phase} ${epochs(state)}: ${wanted.node}.${wanted.epoch}.${wanted.incarnation} => ${answer}`, () => {
      const judgement = judge(state, wanted);
      assert.equal(judgement.answer === 'refuse' ? judgement.why : judgement.answer, answer);
    });
  }
});

describe('grants: whatever happens in whatever order', () => {
  it('admitted epochs only grow, each durable before it is admitted, and nobody is admitted while an older one drains', () => {
    const happenings = fc.array(fc.oneof(fc.nat({ max: 12 }), fc.constantFrom('answer', 'fail')), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(happenings, fc.nat({ max: 6 }), (events, floor) => {
        const gate = { state: initialGrants({ granted: null, floor }), durable: floor, open: floor };
        let underWay: 'store' | 'fence' | null = null;
        for (const happening of events) {
          const event = eventOf(happening, underWay);
          if (event === null) continue;
          if (event.event === 'stored') gate.durable = gate.state.next!.epoch;
          const { state, action } = stepGrants(gate.state, event);
          gate.state = state;
          if (event.event !== 'record') underWay = null;
          if (action?.do === 'open') {
            assert.ok(action.grant.epoch > gate.open && action.grant.epoch === gate.durable);
            gate.open = action.grant.epoch;
          } else if (action !== null) {
            assert.equal(underWay, null, 'one thing at a time');
            underWay = action.do;
          }
          for (const granted of [state.granted, state.next, state.overtaking]) {
            if (granted !== null && judge(state, granted).answer === 'admit') {
              assert.ok(state.phase === 'open' && granted.epoch === gate.durable);
            }
          }
        }
      }),
    );
  });
});

function eventOf(happening: number | string, underWay: 'store' | 'fence' | null): GrantEvent | null {
  if (typeof happening === 'number') {
    return record(happening === 0 ? null : { node: 'a', epoch: happening, incarnation: 'aaaaaaaa' });
  }
  if (underWay === null) return null;
  if (underWay === 'fence') return drained;
  return happening === 'fail' ? failed : stored;
}

function spell(action: ReturnType<typeof stepGrants>['action']): string {
  if (action === null) return '-';
  const after = action.do === 'fence' ? ` after ${action.previousEpoch}` : '';
  return `${action.do} ${action.grant.epoch}${after}`;
}

function epochs({ granted, next, overtaking }: GrantState): string {
  return [granted, next, overtaking].map((grant) => grant?.epoch ?? '-').join('/');
}
