import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { around, moved, wholeRun, within, zoomed } from './viewport.ts';

const whole = wholeRun(0, 100e9);
const inside = fc.double({ min: 0, max: 100e9, noNaN: true });

describe('the stretch that is shown', () => {
  it('never leaves the run, and never becomes too narrow to see anything', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ factor: fc.double({ min: 1e-3, max: 1e3, noNaN: true }), at: inside }),
        fc.record({ share: fc.double({ min: -3, max: 3, noNaN: true }) }),
      ),
    );
    fc.assert(
      fc.property(steps, (all) => {
        let view = whole;
        for (const step of all) {
          view =
            'factor' in step ? zoomed(view, whole, step.factor, step.at) : moved(view, whole, step.share);
          assert.ok(view.from >= whole.from - 1 && view.to <= whole.to + 1, JSON.stringify(view));
          assert.ok(view.to - view.from >= 19_999, JSON.stringify(view));
        }
      }),
    );
  });

  it('keeps the instant under the pointer where it is when it is zoomed', () => {
    const view = zoomed(whole, whole, 0.1, 30e9);
    const share = (30e9 - whole.from) / (whole.to - whole.from);
    assert.ok(Math.abs((30e9 - view.from) / (view.to - view.from) - share) < 1e-9);
  });

  it('is moved by shares of itself, and stops at the ends', () => {
    assert.deepEqual(moved({ from: 10, to: 40_010 }, { from: 0, to: 1e9 }, 0.5), {
      from: 20_010,
      to: 60_010,
    });
    assert.deepEqual(moved({ from: 10, to: 40_010 }, { from: 0, to: 1e9 }, -1), { from: 0, to: 40_000 });
  });

  it('shows what it jumps to with room around it', () => {
    assert.deepEqual(around(whole, 50e9, 50e9, 1e9), { from: 49.5e9, to: 50.5e9 });
    assert.deepEqual(around(whole, 50e9, 60e9, 1e9), { from: 47e9, to: 63e9 });
    assert.equal(within({ from: -1e12, to: 1e12 }, whole).from, whole.from);
  });
});
