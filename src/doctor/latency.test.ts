import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { latencyOf, shownMs } from './latency.ts';

const samples = (tookMs: number[]) => ({ bytes: 512, tookMs, failures: [] });

describe('a latency', () => {
  it('is made of the times of requests that were made, in nearest rank', () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => 1000 - index);
    assert.deepEqual(latencyOf(samples(thousand)), {
      ...{ bytes: 512, count: 1000 },
      ...{ p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 },
    });
    const one = latencyOf(samples([7]));
    assert.deepEqual([one?.p50, one?.p999, one?.max], [7, 7, 7]);
  });

  it('leaves at most the share above each percentile that its name allows', () => {
    const shares = [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p99', 0.99],
      ['p999', 0.999],
    ] as const;
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 1 }), (tookMs) => {
        const latency = latencyOf(samples(tookMs))!;
        for (const [name, share] of shares) {
          const slower = tookMs.filter((each) => each > latency[name]).length;
          assert.ok(slower <= (1 - share) * tookMs.length + 1e-9, name);
          assert.ok(tookMs.includes(latency[name]));
        }
        assert.equal(latency.max, Math.max(...tookMs));
      }),
    );
  });

  it('is none where no request succeeded', () => {
    assert.equal(latencyOf({ bytes: 512, tookMs: [], failures: ['no'] }), undefined);
  });

  it('is shown with three digits or so', () => {
    assert.deepEqual([0.123, 3.149, 12.34, 118.2].map(shownMs), ['0.12', '3.15', '12.3', '118']);
  });
});
