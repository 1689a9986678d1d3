import * as fc from 'fast-check';

const factor = Number(process.env['FUZZ_FACTOR'] ?? 1);

/** How often a property is tried: as often as a test run has time for, times FUZZ_FACTOR of the environment. */
export function fuzzRuns(usual: number): number {
  return Math.ceil(usual * factor);
}

/** For the tests of such properties. */
export const fuzzTimeoutMs = 30_000 * Math.max(1, factor);

/** Lengths of the pieces that bytes come in; they are gone through again and again. */
export const pieceLengths = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 64 }),
    fc.integer({ min: 1, max: 20_000 }),
  ),
  { minLength: 1, maxLength: 8 },
);

/** `bytes` in pieces of these lengths, with a cut at `cutAt` too. Each piece has memory of its own. */
export function* pieces(
  bytes: Uint8Array,
  lengths: readonly number[],
  cutAt = bytes.length,
): Generator<Uint8Array> {
  for (let at = 0, count = 0; at < bytes.length; count += 1) {
    const end = Math.min(at + lengths[count % lengths.length]!, at < cutAt ? cutAt : bytes.length);
    yield bytes.slice(at, end);
    at = end;
  }
}

/** One way to spoil bytes. `at` and `length` are taken modulo what there is. */
type Mutation =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'set'; at: number; bytes: Uint8Array }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'remove'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number };

const at = fc.nat({ max: 100_000 });
/** Where lengths, offsets and numbers of every width have their edges. */
const edges = fc
  .constantFrom(
    '00',
    'ff',
    '0000',
    'ffff',
    '8000',
    '00000000',
    'ffffffff',
    '80000000',
    '7fffffff',
    '00002000',
  )
  .map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat({ max: 7 }) }),
    fc.record({ kind: fc.constant('set' as const), at, bytes: edges }),
    fc.record({
      kind: fc.constant('insert' as const),
      at,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    }),
    fc.record({ kind: fc.constant('remove' as const), at, length: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('repeat' as const), at, length: fc.integer({ min: 1, max: 400 }) }),
  ),
  { minLength: 1, maxLength: 4 },
);

/** These bytes, spoiled in up to four places. */
export function spoiled(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(valid, mutations).map(([bytes, all]) => all.reduce(spoil, bytes));
}

function spoil(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const start = mutation.at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, start), bytes.subarray(start)];
  switch (mutation.kind) {
    case 'flip':
      return Buffer.concat([
        before,
        after.map((byte, index) => (index === 0 ? byte ^ (1 << mutation.bit) : byte)),
      ]);
    case 'set':
      return Buffer.concat([before, mutation.bytes, after.subarray(mutation.bytes.length)]);
    case 'insert':
      return Buffer.concat([before, mutation.bytes, after]);
    case 'remove':
      return Buffer.concat([before, after.subarray(mutation.length)]);
    default:
      return Buffer.concat([before, after.subarray(0, mutation.length), after]);
  }
}
