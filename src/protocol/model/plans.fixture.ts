import { deathWaitMs, settleWaitMs } from '../timing.ts';
import type { Timings } from '../types.ts';
import type { MachineOf } from './machine.fixture.ts';
import { Random } from './random.fixture.ts';
import { ROUND_TRIP_MS } from './requests.fixture.ts';
import { SERVICE_START_MS } from './world.fixture.ts';
import type { Fault, Plan, Target, When } from './plan.fixture.ts';

/** Timings that the relations allow, as different as they can be. */
export const TIMINGS: readonly Timings[] = [
  { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 },
  { intervalMs: 1000, misses: 5, settleMs: 1300, deadlineMs: 300, stopGraceMs: 500 },
  { intervalMs: 1000, misses: 4, settleMs: 900, deadlineMs: 400, stopGraceMs: 300 },
  { intervalMs: 1000, misses: 6, settleMs: 2000, deadlineMs: 250, stopGraceMs: 300 },
];

/** Faults and noise of every kind, at any time: what nobody thought of. */
export function anyPlan(seed: number, machine: MachineOf): Plan {
  const random = new Random(seed);
  const faults: Fault[] = [];
  const crowdMs = random.pick([2000, 4000, 8000]);
  for (let at = random.between(0, 6000); at < 40_000; at += random.between(0, crowdMs)) {
    faults.push(anyFault(random, { at }));
  }
  const ambush = random.pick([0, 0.3, 0.7]);
  for (let nth = 1; nth < 12; nth += 1) {
    for (const on of ['decided', 'settling', 'active'] as const) {
      const afterMs = random.chance(0.5) ? 0 : random.between(0, 2000);
      if (random.chance(ambush)) faults.push(anyFault(random, { on, nth, fromAt: 0, afterMs }, 'subject'));
    }
  }
  faults.push(...anyErrors(new Random(seed + 2_000_000)));
  faults.push(...anyOrders(new Random(seed + 1_000_000)));
  return {
    ...calm(seed, machine),
    servers: random.pick([2, 3]),
    timings: random.pick(TIMINGS),
    noise: random.chance(0.4) ? 0 : random.between(0, 0.15),
    hesitation: random.chance(0.5) ? 0 : random.between(0, 0.05),
    lateSlots: random.chance(0.3),
    faults,
  };
}

/**
 * Promise (c): how long after the faults have ended somebody serves again, at the latest. By the slowest clock; six
 * round trips, the wake-ups between them, and the start of the service are the model's own. Of a pause nothing more
 * than T is left by then: until somebody asks again for its end.
 */
export function recoveryMs({ timings: t, drift, faults }: Plan): number {
  const resumeMs = faults.some(({ kind }) => kind === 'pause') ? t.intervalMs : 0;
  const waits = deathWaitMs(t) + t.intervalMs + settleWaitMs(t) + t.deadlineMs + resumeMs;
  return waits / (1 - drift) + 6 * ROUND_TRIP_MS + SERVICE_START_MS;
}

/** No fault and no noise yet. */
export function calm(seed: number, machine: MachineOf): Plan {
  return {
    seed,
    servers: 3,
    timings: TIMINGS[0]!,
    noise: 0,
    hesitation: 0,
    faults: [],
    lateSlots: false,
    quietAt: 45_000,
    untilAt: 90_000,
    drift: 0.05,
    machine,
  };
}

/** Errors of the disk, in some of the plans: for heartbeats, claims, and releases. */
function anyErrors(random: Random): Fault[] {
  if (!random.chance(0.5)) return [];
  const errors: Fault[] = [];
  for (let at = random.between(0, 12_000); at < 40_000; at += random.between(0, 8000)) {
    const [server, status] = [
      random.pick<Target>(['active', 'active', 'standby']),
      random.pick<0 | 1>([0, 1]),
    ];
    const forMs = random.chance(0.4) ? 0 : random.between(0, 9000);
    errors.push({ kind: 'error', server, when: { at }, forMs, status, lands: random.chance(0.5) });
    if (random.chance(0.5)) errors.push({ kind: 'release', server, when: { at: at + 5 } });
  }
  return errors;
}

/** What a person may ask for, in some of the plans. */
function anyOrders(random: Random): Fault[] {
  if (!random.chance(0.4)) return [];
  const everyMs = random.pick([1500, 4000, 10_000]);
  const orders: Fault[] = [];
  for (let at = random.between(0, 12_000); at < 40_000; at += random.between(0, 2 * everyMs)) {
    const kind = random.pick(['pause', 'pause', 'resume', 'hand-over', 'hand-over'] as const);
    const server = kind === 'resume' ? random.pick<Target>(['active', 'standby', 0, 1, 2]) : 'active';
    orders.push({ kind, server, when: { at }, force: random.chance(0.5) });
  }
  return orders;
}

function anyFault(random: Random, when: When, target?: Target): Fault {
  const forMs = random.pick([
    random.between(0, 1500),
    random.between(0, 7000),
    random.between(3500, 6000),
    random.between(0, 20_000),
  ]);
  const server = target ?? random.pick<Target>(['active', 'active', 'standby', 0, 1, 2]);
  const kind = random.pick([
    ...(['stall', 'stall', 'stall', 'hold', 'hold', 'hold', 'hesitate', 'hesitate', 'linger'] as const),
    ...(['crash', 'cut', 'release', 'exit'] as const),
  ]);
  return { kind, server, when, forMs, lands: random.chance(0.5), status: random.pick<0 | 1>([0, 1]) };
}
