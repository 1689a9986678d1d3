import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { timingProblems } from '../protocol/timing.ts';
import type { Timings } from '../protocol/types.ts';
import { fitOf, fittingTimings, initCommandFor, proposalOf } from './fit.ts';
import type { Latency } from './latency.ts';

/** Every request took about as long, but for the slowest. */
function latency(p99: number, max = p99): Latency {
  return { bytes: 512, count: 1000, p50: p99, p90: p99, p99, p999: max, max };
}

const defaults: Timings = { intervalMs: 1000, misses: 5, settleMs: 1000, deadlineMs: 500, stopGraceMs: 1000 };

describe('the timings that fit', () => {
  it('keep every relation, and their distance from what was measured, whatever that was', () => {
    const ms = fc.double({ min: 0.01, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(ms, ms, (one, other) => {
        const reads = latency(Math.min(one, other), Math.max(one, other));
        const fitting = fittingTimings([reads])!;
        assert.deepEqual(timingProblems(fitting), []);
        assert.ok(fitting.deadlineMs >= 3 * reads.p999 && fitting.deadlineMs >= 1.5 * reads.max);
        assert.equal(fitOf({ timings: fitting, mode: 'plain' }, reads, reads).state, 'ok');
      }),
    );
  });

  it('go by the slower of reads and writes', () => {
    assert.equal(fittingTimings([latency(1), latency(100)])?.deadlineMs, 300);
    assert.equal(fittingTimings([latency(100), latency(1)])?.deadlineMs, 300);
  });

  it('are not faster than the stalls of a machine', () => {
    assert.deepEqual(fittingTimings([latency(0.1)]), {
      ...{ intervalMs: 400, misses: 5, settleMs: 400, deadlineMs: 200, stopGraceMs: 400 },
    });
  });

  it('are none for a storage that takes longer than an hour', () => {
    const slow = latency(3_600_000);
    assert.equal(fittingTimings([slow]), undefined);
    assert.equal(proposalOf(undefined, slow, undefined).state, 'problem');
  });

  it('are those of the init command that is shown: what it is not told follows from T', () => {
    const fitting = fittingTimings([latency(150)])!;
    assert.equal(
      initCommandFor('nbd://a/q', fitting),
      "arbiter init 'nbd://a/q' --nodes NAME,NAME,... --interval-ms 900",
    );
    const { intervalMs, ...rest } = fitting;
    assert.deepEqual(rest, {
      ...{ misses: 5, settleMs: intervalMs, deadlineMs: Math.ceil(intervalMs / 2), stopGraceMs: intervalMs },
    });
  });

  it('say when they were found by reads alone', () => {
    assert.match(proposalOf(defaults, latency(1), undefined).why, /of the reads alone/);
    assert.doesNotMatch(proposalOf(defaults, latency(1), latency(1)).why, /alone/);
  });
});

describe('the timings of an area', () => {
  // prettier-ignore
  const rows: readonly (readonly [string, Partial<Timings>, Latency, Latency | undefined, string, RegExp])[] = [
    ['fit a fast storage',                            {},                  latency(1),       latency(4),      'ok',      /p99\.9 is 4\.00 ms.*they fit$/],
    ['fit where only reads were measured',            {},                  latency(1),       undefined,       'ok',      /they fit$/],
    ['do not fit when one in a hundred passes q',     {},                  latency(1),       latency(500),    'problem', /one request in a hundred takes 500 ms or more: it fails at q$/],
    ['do not fit when no claim is done within S',     { settleMs: 510, deadlineMs: 300 },    latency(260), latency(260), 'problem', /no claim is done within S$/],
    ['are at the edge when the slowest passes q',     {},                  latency(1, 600),  undefined,       'warning', /the slowest request took 600 ms: it would have failed at q$/],
    ['are at the edge when q has no margin',          {},                  latency(1, 260),  undefined,       'warning', /less than twice p99\.9 \(260 ms\)$/],
    ['are at the edge when read and write pass S',    { settleMs: 510, deadlineMs: 520 },    latency(1, 256), latency(1, 256), 'warning', /a read with a write takes up to 512 ms at p99\.9/],
    ['are wrong by themselves when they break a relation', { misses: 2 },  latency(1),       latency(1),      'problem', /M = 2 must be at least 3$/],
  ];
  for (const [title, changed, reads, writes, state, why] of rows) {
    it(title, () => {
      const finding = fitOf({ timings: { ...defaults, ...changed }, mode: 'plain' }, reads, writes);
      assert.equal(finding.state, state, finding.why);
      assert.match(finding.why, why);
      assert.equal(finding.todo === undefined, state === 'ok');
    });
  }

  it('are told with all their numbers', () => {
    const { why } = fitOf({ timings: defaults, mode: 'plain' }, latency(1), undefined);
    assert.match(why, /^the area has T 1000, M 5, S 1000, q 500 ms \(D 5000, L 4250\)/);
  });
});
