import assert from 'node:assert/strict';
import { noneOfThem, type Abilities } from '../engines/ability.ts';
import { faults } from '../faults/index.ts';
import { faultFindings, firstImpossible, untriedFaults } from './faults.ts';

const works = { works: true, seen: 'seen' };
const all: Abilities = {
  end: works,
  freeze: works,
  stall: works,
  drop: works,
  reset: works,
  hold: works,
  slow: works,
};

describe('the faults of a machine', () => {
  it('are all of those there are, each with what it comes down to on the engine', () => {
    for (const engine of ['docker', 'process'] as const) {
      const found = faultFindings(engine, all);
      assert.deepEqual(
        found.map(({ thing }) => thing),
        faults.map(({ name }) => name),
      );
      for (const { thing, by, state } of found) {
        assert.ok(by.length > 15, `${thing} on ${engine}: ${by}`);
        assert.equal(state, 'ok');
      }
      assert.equal(firstImpossible(found), undefined);
    }
  });

  it('fail with the ability they need, and with no other', () => {
    const found = faultFindings('docker', { ...all, drop: { works: false, seen: 'no iptables' } });
    const wrong = found.filter(({ state }) => state === 'impossible');
    assert.deepEqual(
      wrong.map(({ thing, why }) => [thing, why]),
      [['cut-drop', 'no iptables']],
    );
    assert.equal(firstImpossible(found), 'cut-drop does not work: no iptables');
  });

  it('need between them every ability, so that none is tried out for nothing', () => {
    const needed = new Set(faults.map(({ needs }) => needs));
    assert.deepEqual([...needed].sort(), Object.keys(noneOfThem('')).sort());
  });

  it('are missing, not impossible, where they cannot be tried out yet', () => {
    const found = untriedFaults('docker', 'missing', 'no image', 'make lab');
    assert.equal(found.length, faults.length);
    assert.equal(firstImpossible(found), undefined);
    for (const { bring } of found) assert.equal(bring, 'make lab');
  });
});
