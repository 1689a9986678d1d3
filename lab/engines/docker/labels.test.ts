import assert from 'node:assert/strict';
import { isReapable, labelFilter, labels, labelsFor } from './labels.ts';
import { formatOwner, ownerOf } from '../owner.ts';

describe('the labels of a lab', () => {
  const mine = labelsFor('a1', 'server');
  const orphan = { ...mine, [labels.owner]: formatOwner({ ...ownerOf(process.pid), started: '1' }) };

  it('find the containers of one lab, and of no other', () => {
    assert.equal(labelFilter({ labId: 'a1' }), 'arbiter-lab.lab=a1');
    assert.equal(isReapable({ labId: 'a1' }, mine), true);
    assert.equal(isReapable({ labId: 'a' }, mine), false);
  });

  it('never make a stranger reapable', () => {
    for (const what of [{ all: true }, { orphans: true }, { labId: 'a1' }] as const) {
      assert.equal(isReapable(what, { 'other.lab': 'a1' }), false);
      assert.equal(isReapable(what, null), false);
    }
  });

  it('make an orphan only of what a process left that is certainly gone', () => {
    assert.equal(isReapable({ orphans: true }, mine), false);
    assert.equal(isReapable({ orphans: true }, orphan), true);
    assert.equal(
      isReapable({ orphans: true }, { [labels.lab]: 'a1' }),
      false,
      'nothing is known about its owner',
    );
    assert.equal(isReapable({ all: true }, mine), true);
  });
});
