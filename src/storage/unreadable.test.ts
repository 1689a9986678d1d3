import assert from 'node:assert/strict';
import fs, { read } from 'node:fs';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import { inPlaceOf } from './in-place-of.fixture.ts';

describe('the gate: a record that cannot be read', () => {
  /** Every read of a file in this process fails. */
  const failing = (reason: string): Disposable => {
    const by = (): typeof read =>
      ((...args: unknown[]) => {
        setImmediate(args.at(-1) as (error: Error) => void, new Error(`${reason}, read`));
      }) as unknown as typeof read;
    return inPlaceOf(fs, 'read', by);
  };
  const told = (reason: string, epoch: number): string =>
    `storage: the quorum area cannot be read (${reason}): nobody but the owner of epoch ${epoch} is let into the data ` +
    'area until it can be; see to the disk of the quorum file';

  it('is told once, with what it means, as long as it lasts; the owner keeps the data area, and nobody else gets it', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { backend: 'file' });
    await gate.own(owned('a', 5));
    await gate.into(dataName('a', 5));
    for (let round = 0; round < 2; round++) {
      {
        using _ = failing('EIO: i/o error');
        for (let count = 2; count < 5; count++) await gate.own(owned('b', 7, 'a', count));
        await gate.into(dataName('a', 5));
        assert.match(await gate.refusal(dataName('b', 7)), /: last granted epoch 5$/);
      }
      assert.equal(gate.troubles.length, round + 1);
      await gate.own(owned('a', 5, 'a', round + 2));
      await gate.into(dataName('a', 5));
    }
    const line = told('EIO: i/o error', 5);
    assert.deepEqual(gate.troubles, [line, line]);
    await gate.own(owned('b', 7));
    await gate.into(dataName('b', 7));
  });
});
