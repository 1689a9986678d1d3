import * as fc from 'fast-check';
import type { Plan } from './world.fixture.ts';

/** Interleavings of two and three servers, each with one or two paths, with many a fault between the moves. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  servers: fc.constantFrom(2, 3),
  paths: fc.constantFrom(1, 2),
  hasAbort: fc.boolean(),
  moves: fc.array(fc.nat(9999), { minLength: 100, maxLength: 800, size: 'max' }),
});
