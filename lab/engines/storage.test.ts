import assert from 'node:assert/strict';
import { InfrastructureError } from '../errors.ts';
import { backendArguments, chooseStorage } from './storage.ts';

describe('the storage of a lab', () => {
  it('is nbdkit on Docker, plain files on processes, and what was asked for', async () => {
    assert.equal(await chooseStorage('docker', undefined), 'nbdkit');
    assert.equal(await chooseStorage('process', undefined), 'nbd');
    assert.equal(await chooseStorage('docker', 'nbd'), 'nbd');
  });

  it('is an error where nbdkit is asked for and missing, never something else instead', async () => {
    await assert.rejects(
      chooseStorage('process', 'nbdkit', 'nbdkit-that-nobody-has'),
      new InfrastructureError(
        'no nbdkit-that-nobody-has for --storage nbdkit: install the Debian package nbdkit, or take --storage nbd',
      ),
    );
  });

  it('is what the storage node is told', () => {
    assert.deepEqual(backendArguments('nbd'), ['--backend', 'file']);
    assert.deepEqual(backendArguments('nbdkit'), ['--backend', 'nbdkit']);
  });
});
