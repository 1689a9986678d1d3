import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { epochClaimed, epochsSeen, nextEpoch, reserveEpoch } from './epoch.ts';
import type { Epochs } from './state.ts';
import { headerReading, incarnationOf, readRecord, readSlot } from './traces/notation.fixture.ts';
import type { Identity } from './types.ts';
import { DEFAULTS as timings } from './timings.fixture.ts';

/** Server a in slot 0 of 2: the even epochs are its own. */
const self: Identity = { node: 'a', index: 0, slots: 2, incarnation: incarnationOf('a'), timings };

describe('R3: the next epoch', () => {
  // prettier-ignore
  const rows: [highest: number, index: number, slots: number, next: number][] = [
    [0, 0, 2,  2],
    [0, 1, 2,  1],
    [1, 0, 2,  2],
    [1, 1, 2,  3],
    [7, 0, 2,  8],
    [8, 0, 2, 10],
    [0, 0, 3,  3],
    [0, 2, 3,  2],
    [5, 2, 3,  8],
    [5, 0, 3,  6],
    [6, 1, 3,  7],
    [0, 0, 1,  1],
    [9, 0, 1, 10],
  ];

  for (const [highest, index, slots, next] of rows) {
    it(`above ${highest}, for slot ${index} of ${slots}, is ${next}`, () => {
      assert.equal(nextEpoch(highest, { index, slots }), next);
    });
  }

  it('is the smallest one above that belongs to the own slot', () => {
    const shape = fc
      .tuple(fc.integer({ min: 1, max: 64 }), fc.nat(), fc.nat({ max: 1e9 }))
      .map(([slots, i, highest]) => ({ slots, index: i % slots, highest }));
    fc.assert(
      fc.property(shape, ({ highest, ...slot }) => {
        const next = nextEpoch(highest, slot);
        assert.equal(next % slot.slots, slot.index);
        assert.ok(next > highest && next <= highest + slot.slots);
      }),
    );
  });
});

describe('R3: the epochs that one read shows', () => {
  type Row = [
    record: string,
    slots: [string, string],
    from: [number, number],
    highest: number,
    claimed: number,
  ];

  // prettier-ignore
  const rows: Row[] = [
    // Nothing but what was known.
    ['null',             ['a:0 none e0 #0',    'b:0 none e0 #0'],     [0, 0],  0, 0],
    ['null',             ['a:0 none e0 #0',    'b:0 none e0 #0'],     [9, 4],  9, 4],
    ['damaged 1',        ['null',              'null'],               [9, 4],  9, 4],
    // In the record, whatever it is: it was claimed.
    ['owned b e3 #7',    ['a:0 none e0 #0',    'b:0 none e0 #0'],     [0, 0],  3, 3],
    ['claimed b e5 #7',  ['a:0 none e0 #0',    'b:0 none e0 #0'],     [4, 2],  5, 5],
    ['released b e3 #7', ['a:0 none e0 #0',    'b:0 none e0 #0'],     [4, 2],  4, 3],
    // In a slot: a claimant or an owner claimed it; a standby saw it or means to use it.
    ['null',             ['a:0 none e0 #0',    'b owner e7 #3'],      [0, 0],  7, 7],
    ['null',             ['a:0 none e0 #0',    'b claimant e7 #3'],   [0, 0],  7, 7],
    ['null',             ['a:0 none e0 #0',    'b standby e7 #3'],    [0, 0],  7, 0],
    // In the own slot: of a former self it counts, of one's own it is known.
    ['null',             ['a:d owner e8 #3',   'b:0 none e0 #0'],     [0, 0],  8, 8],
    ['null',             ['a:d standby e8 #3', 'b:0 none e0 #0'],     [0, 0],  8, 0],
    ['null',             ['a owner e8 #3',     'b:0 none e0 #0'],     [0, 0],  0, 0],
  ];

  for (const [record, slots, [highest, claimed], nowHighest, nowClaimed] of rows) {
    it(`${record}; ${slots.join('; ')}: ${highest}, ${claimed} -> ${nowHighest}, ${nowClaimed}`, () => {
      const area = {
        header: headerReading(timings, 2, 'plain'),
        record: readRecord(record),
        slots: slots.map(readSlot),
      };
      const seen = epochsSeen({ highest, claimed, reserved: undefined }, area, self);
      assert.deepEqual(seen, { highest: nowHighest, claimed: nowClaimed, reserved: undefined });
    });
  }
});

describe('R3: the reservation', () => {
  const at = (highest: number, claimed: number, reserved: Epochs['reserved']): Epochs => ({
    highest,
    claimed,
    reserved,
  });

  const waits = (epochs: Epochs) => reserveEpoch(epochs, self, false);
  const claims = (epochs: Epochs) => reserveEpoch(epochs, self, true);

  it('of an epoch is made once, and lies above everything known', () => {
    const first = waits(at(7, 5, undefined));
    assert.deepEqual(first, at(8, 5, { epoch: 8, ackAt: undefined }));
    assert.equal(waits(first), first);
    assert.equal(claims(first), first);
  });

  it('stays good while this server waits and others see and reserve higher epochs without claiming them', () => {
    const reserved = at(11, 7, { epoch: 8, ackAt: 100 });
    assert.equal(waits(reserved), reserved);
  });

  it('is made anew for a claim when others reserved higher', () => {
    const outbid = at(11, 7, { epoch: 8, ackAt: 100 });
    assert.deepEqual(claims(outbid), at(12, 7, { epoch: 12, ackAt: undefined }));
  });

  it('is made anew when somebody claimed as high: the new one is not in the slot yet', () => {
    const outdone = at(9, 9, { epoch: 8, ackAt: 100 });
    assert.deepEqual(waits(outdone), at(10, 9, { epoch: 10, ackAt: undefined }));
    assert.deepEqual(waits(at(9, 8, { epoch: 8, ackAt: 100 })).reserved?.epoch, 10);
  });

  it('is never repeated: an epoch that was used, or granted to somebody, is claimed', () => {
    assert.deepEqual(epochClaimed(at(9, 4, undefined), 8), at(9, 8, undefined));
    assert.deepEqual(epochClaimed(at(9, 4, undefined), 12), at(12, 12, undefined));
    assert.deepEqual(epochClaimed(at(9, 4, undefined), 2), at(9, 4, undefined));
  });
});
