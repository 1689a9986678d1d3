import assert from 'node:assert/strict';
import { aptInstall } from './apt.ts';
import { storageFindings } from './storages.ts';

describe('what the storages need on processes', () => {
  it('is told storage by storage, with the command that brings it', async () => {
    const findings = await storageFindings(async (_, storage) =>
      storage === 'tgt' ? [{ program: 'tgtd', pack: 'tgt' }] : [],
    );
    assert.deepEqual(
      findings.map(({ thing, state }) => `${thing} ${state}`),
      ['storage nbd ok', 'storage nbds ok', 'storage nbdkit ok', 'storage tgt missing'],
    );
    assert.equal(findings[3]!.why, 'left out: no tgtd');
    assert.equal(findings[3]!.bring, await aptInstall(['tgt']));
  });
});
