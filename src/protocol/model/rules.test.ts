import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { safeMachine } from './machine.fixture.ts';
import type { Fault, Outcome, Plan, Target, When } from './plan.fixture.ts';
import { DISK_ERROR } from './requests.fixture.ts';
import { anyPlan, calm, recoveryMs, TIMINGS } from './plans.fixture.ts';
import { run } from './world.fixture.ts';

/** What has to have happened in those plans for their promises to have been in danger. */
const ENOUGH = {
  takeovers: 1000,
  'data writes': 50_000,
  'data writes refused': 20,
  'claims abandoned': 1000,
  'records overwritten by their owner': 100,
  'stopped by R6': 200,
  'stopped by R8': 100,
  'releases written': 40,
  'releases that an error left in doubt': 10,
  'heartbeats that the disk failed': 20,
  'heartbeats that were never sent': 20,
  'decided by R1': 1000,
  'decided by R8': 20,
  'decided by R9': 500,
  paused: 90,
  'takeovers held back': 60,
  'lifted at a standby': 40,
  'hand-overs taken': 40,
  'hand-overs refused': 40,
  'named successors that followed at once': 8,
};

describe('the rules, in a world of late effects, stalls, crashes and drifting clocks', () => {
  it('hold for 600 plans that never change, and enough happens in them', () => {
    const sum = new Map<string, number>(Object.entries(ENOUGH).map(([what]) => [what, 0]));
    const add = (what: string, some = 1) => sum.set(what, (sum.get(what) ?? 0) + some);
    for (let seed = 1; seed <= 600; seed += 1) {
      const plan = anyPlan(seed, safeMachine());
      const outcome = run(plan);
      assertPromises(plan, outcome, `seed ${seed}`);
      add('takeovers', outcome.takeovers.length);
      add('data writes', outcome.dataWrites.accepted);
      add('data writes refused', outcome.dataWrites.refused);
      for (const { entry } of outcome.journal) {
        if (entry.event === 'claim-abandoned') add('claims abandoned');
        if (entry.event === 'overwrote') add('records overwritten by their owner');
        if (entry.event === 'role' && entry.to === 'stopping') add(`stopped by ${entry.rule}`);
        if (entry.event === 'released' && entry.written) add('releases written');
        if (entry.event === 'released' && entry.reason.endsWith(DISK_ERROR)) {
          add('releases that an error left in doubt');
        }
        if (entry.event === 'heartbeat-failed' && entry.reason === DISK_ERROR) {
          add('heartbeats that the disk failed');
        }
        if (entry.event === 'heartbeat-failed' && entry.outcome === 'failed') {
          add('heartbeats that were never sent');
        }
        if (entry.event === 'decided') add(`decided by ${entry.rule}`);
        if (entry.event === 'paused') add('paused');
        if (entry.event === 'takeover-held') add('takeovers held back');
        if (entry.event === 'resumed' && entry.reason.startsWith('lifted')) add('lifted at a standby');
        if (entry.event === 'order' && entry.order === 'hand-over') add(`hand-overs ${entry.outcome}`);
        if (entry.event === 'decided' && /successor/.test(entry.reason))
          add('named successors that followed at once');
      }
    }
    for (const [what, least] of Object.entries(ENOUGH)) {
      const seen = sum.get(what) ?? 0;
      assert.ok(seen >= least, `${what}: ${seen}, too few to mean anything`);
    }
  });

  for (const servers of [2, 3]) {
    it(`hold for plans of ${servers} servers that nobody has seen before`, () => {
      fc.assert(
        fc.property(plans(servers), (plan) => assertPromises(plan, run(plan), 'this plan')),
        { numRuns: 500 },
      );
    });

    it(`let one of ${servers} servers follow in time when the active one is gone, however they outbid each other`, () => {
      for (let seed = 1; seed <= 40; seed += 1) {
        const goneAt = 15_000 + 50 * seed;
        const gone: Fault = { kind: 'crash', server: 'active', when: { at: goneAt }, forMs: 1e6 };
        const plan = { ...calm(seed, safeMachine()), servers: servers + 1, faults: [gone] };
        const next = run(plan).takeovers[1];
        assert.ok(next !== undefined && next.at <= goneAt + recoveryMs(plan), `seed ${seed}`);
      }
    });

    it(`give ${servers} servers an owner within one death wait of an undisturbed power-on, and keep it`, () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const plan = { ...calm(seed, safeMachine()), servers, quietAt: 200, untilAt: 30_000 };
        const outcome = run(plan);
        assertPromises(plan, outcome, `seed ${seed}`);
        assert.equal(outcome.takeovers.length, 1, `seed ${seed}`);
      }
    });
  }
});

/** Promises (a) and (b) and what they stand on, as the judge saw them; promise (c) by the clock. */
function assertPromises(plan: Plan, { violations, calmSince, servingSince }: Outcome, which: string): void {
  assert.deepEqual(violations, [], which);
  const byAt = calmSince + recoveryMs(plan);
  assert.ok(byAt <= plan.untilAt, `${which}: faults reach too far for (c) to be seen`);
  assert.ok(servingSince !== undefined, `${which}: (c) nobody serves`);
  assert.ok(servingSince <= byAt, `${which}: (c) served ${Math.ceil(servingSince - byAt)} ms too late`);
}

/** Any plan, as a value that shrinks: first the faults go, then what is left of them gets shorter. */
function plans(servers: number): fc.Arbitrary<Plan> {
  return fc
    .record({
      seed: fc.nat(),
      timings: fc.constantFrom(...TIMINGS),
      noise: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.15, noNaN: true })),
      hesitation: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.05, noNaN: true })),
      lateSlots: fc.boolean(),
      faults: fc.array(faults, { maxLength: 30, size: 'max' }),
    })
    .map((some) => ({ ...calm(some.seed, safeMachine()), ...some, servers }));
}

const kinds = [
  'stall',
  'hesitate',
  'linger',
  'crash',
  'cut',
  'hold',
  'error',
  'release',
  'exit',
  'hand-over',
  'pause',
  'resume',
  'wipe',
  'damage',
] as const;

const faults: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constantFrom(...kinds),
  server: fc.constantFrom<Target>('active', 'subject', 'standby', 0, 1, 2),
  when: fc.oneof<fc.Arbitrary<When>[]>(
    fc.record({ at: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({
      on: fc.constantFrom('decided' as const, 'settling' as const, 'active' as const),
      nth: fc.integer({ min: 1, max: 5 }),
      fromAt: fc.constant(0),
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })),
    }),
  ),
  forMs: fc.oneof(fc.integer({ min: 0, max: 7000 }), fc.integer({ min: 0, max: 20_000 })),
  lands: fc.boolean(),
  force: fc.boolean(),
  status: fc.constantFrom(0, 1),
});
