import assert from 'node:assert/strict';
import { safeMachine } from '../protocol/model/machine.fixture.ts';
import type { Fault, Plan } from '../protocol/model/plan.fixture.ts';
import { anyPlan, calm, recoveryMs } from '../protocol/model/plans.fixture.ts';
import { Random } from '../protocol/model/random.fixture.ts';
import { onActive, strike } from '../protocol/model/weakness.fixture.ts';
import { run } from '../protocol/model/world.fixture.ts';
import type { AreaReading } from '../protocol/types.ts';
import { tracesIn } from './lost-grant.ts';

type FloorOf = NonNullable<Plan['floorOf']>;

const asItIs: FloorOf = (area) => {
  const traces = tracesIn(area);
  if (traces.kind === 'unreadable') throw new Error(traces.why);
  return traces.kind === 'none' ? 0 : traces.epoch;
};
const atNone: FloorOf = () => 0;
/** Whoever the record names, whatever the slots show. */
const byTheRecordAlone: FloorOf = ({ record }: AreaReading) => {
  if (record.kind !== 'valid') return 0;
  return record.value.status === 1 ? record.value.epoch - 1 : record.value.epoch;
};

/**
 * A heartbeat of the first owner is held up, and so is that owner, until another one has taken over; then the heartbeat
 * lands, and before the new owner has written over it, the storage node loses its grant.
 */
function ambush(seed: number, floorOf: FloorOf): Plan {
  const random = new Random(seed);
  const [heldAt, forMs] = [random.between(1500, 3000), random.between(7000, 9000)];
  const forgottenAt = heldAt + forMs + random.between(0, 1500);
  const faults: Fault[] = [
    strike(onActive(1, heldAt), 'subject', 'hold', forMs),
    strike(
      onActive(1, heldAt + 1100),
      'subject',
      'stall',
      forgottenAt - heldAt - 1100 + random.between(0, 300),
    ),
    strike(onActive(1, forgottenAt), 'subject', 'forget'),
  ];
  return { ...calm(seed, safeMachine()), quietAt: 40_000, untilAt: 45_000, floorOf, faults };
}

/** Anything, and a storage node that loses its grant again and again. */
function forgetful(seed: number): Plan {
  const plan = anyPlan(seed, safeMachine());
  const random = new Random(seed + 5_000_000);
  const faults: Fault[] = [...plan.faults];
  for (let at = random.between(0, 8000); at < 40_000; at += random.between(0, 8000)) {
    if (random.chance(0.3)) faults.push(strike({ at }, 'active', random.pick(['wipe', 'damage'])));
    faults.push(strike({ at: at + random.between(0, 300) }, 'active', 'forget'));
  }
  // Late slot writes are the one thing that this, as R3 itself, knows no remedy for.
  return { ...plan, lateSlots: false, floorOf: asItIs, faults };
}

describe('a storage node that loses its last grant, in the world of the model', () => {
  it('lets no former owner back in, and always lets somebody in again', () => {
    let refused = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const plan = forgetful(seed);
      const { violations, calmSince, servingSince, journal } = run(plan);
      assert.deepEqual(violations, [], `seed ${seed}`);
      assert.ok(
        servingSince !== undefined && servingSince <= calmSince + recoveryMs(plan),
        `seed ${seed}: (c)`,
      );
      refused += journal.filter(({ entry }) => entry.event === 'epoch-raised').length;
    }
    assert.ok(refused > 50, `${refused} owners had to raise their epoch: too few to mean anything`);
  });

  for (const [what, floorOf] of [
    ['at none', atNone],
    ['by the record alone', byTheRecordAlone],
  ] as const) {
    it(`would let one back in if it began ${what}, and does not under the very same plans`, () => {
      let found = 0;
      for (let seed = 1; seed <= 200; seed += 1) {
        assert.deepEqual(run(ambush(seed, asItIs)).violations, [], `seed ${seed}`);
        found += run(ambush(seed, floorOf)).violations.filter((violation) =>
          violation.startsWith('(b)'),
        ).length;
      }
      assert.ok(found > 0, 'not found');
    });
  }
});
