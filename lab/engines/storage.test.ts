import assert from 'node:assert/strict';
import { InfrastructureError } from '../errors.ts';
import { chooseStorages } from './storage.ts';

const everything = async () => true;
const nothing = async () => false;

describe('the storage of a lab', () => {
  it('is nbdkit and tgt on Docker, plain files and tgt on processes, and what was asked for, each once', async () => {
    assert.deepEqual(await chooseStorages('docker', [], nothing), ['nbdkit', 'tgt']);
    assert.deepEqual(await chooseStorages('process', [], everything), ['nbd', 'tgt']);
    assert.deepEqual(await chooseStorages('process', [], nothing), ['nbd'], 'what is missing is left out');
    assert.deepEqual(await chooseStorages('docker', ['nbd'], nothing), ['nbd']);
    assert.deepEqual(await chooseStorages('process', ['nbdkit', 'nbd', 'nbdkit'], everything), [
      'nbdkit',
      'nbd',
    ]);
  });

  it('is an error where a program is asked for and missing, never something else instead', async () => {
    await assert.rejects(
      chooseStorages('process', ['nbd', 'nbdkit'], nothing),
      new InfrastructureError(
        'no nbdkit for --storage nbdkit: install what Debian packages as nbdkit, or take --storage nbd',
      ),
    );
  });
});
