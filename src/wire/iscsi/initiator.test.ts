import assert from 'node:assert/strict';
import { Initiator } from './initiator.ts';

describe('an iSCSI initiator', () => {
  it('has an ISID of six bytes', () => {
    const options = {
      initiatorName: 'iqn.2026-11.example.arbiter:server-1',
      targetName: 'iqn.2026-11.example.arbiter:storage',
      headerDigest: 'none',
      dataDigest: 'none',
      randomBytes: (length: number) => new Uint8Array(length),
      md5: () => new Uint8Array(16),
    } as const;
    assert.throws(() => new Initiator({ ...options, isid: new Uint8Array(5) }), /an ISID of 5 bytes/);
    assert.equal(new Initiator({ ...options, isid: new Uint8Array(6) }).status, 'login');
  });
});
