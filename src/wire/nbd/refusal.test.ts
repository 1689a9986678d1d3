import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { NBD_LIMIT } from './constants.ts';
import { grantedEpochIn, refusalText } from './refusal.ts';

describe('the text of a refusal', () => {
  it('names the export and the epoch granted last', () => {
    assert.equal(refusalText('data@a.3.0011aabb', 7), 'data@a.3.0011aabb refused: last granted epoch 7');
    assert.equal(
      refusalText('data@a.3.0011aabb', 7, 'not drained yet'),
      'data@a.3.0011aabb refused (not drained yet): last granted epoch 7',
    );
  });

  it('is read back, whatever the name and the reason say', () => {
    const epochs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const reason = fc.option(fc.string(), { nil: undefined });
    fc.assert(
      fc.property(fc.string(), epochs, reason, (name, epoch, reason) => {
        assert.equal(grantedEpochIn(refusalText(name, epoch, reason)), epoch);
      }),
    );
    assert.equal(grantedEpochIn(refusalText('x: last granted epoch 99', 7)), 7);
  });

  it('fits into an NBD string with the longest name there is', () => {
    const longest = '\u{10348}'.repeat(NBD_LIMIT.stringBytes / 4);
    assert.ok(Buffer.byteLength(refusalText(longest, Number.MAX_SAFE_INTEGER)) < NBD_LIMIT.stringBytes);
  });

  for (const text of [
    '',
    'no such export',
    'last granted epoch',
    'x refused: last granted epoch 7 or so',
    'x: last granted epoch 99999999999999999',
  ]) {
    it(`of another kind names no epoch: '${text}'`, () => assert.equal(grantedEpochIn(text), undefined));
  }
});
