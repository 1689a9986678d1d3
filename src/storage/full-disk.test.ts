import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { type Disk, SyncedDisk } from './disk.ts';
import { FileMedium } from './file-medium.ts';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';

/** The kernel's own full disk: every write to it fails with ENOSPC. */
function full({ sizeBytes }: Disk): Disk {
  return new SyncedDisk(new FileMedium({ fd: openSync('/dev/full', 'r+'), path: '/dev/full', sizeBytes }));
}

describe('the gate: a full disk', () => {
  it('is ENOSPC to the client and a line in the audit, with and without FUA; the connection lives', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { throughDisk: full });
    await gate.own(owned('a', 5));
    const client = await gate.into(dataName('a', 5));
    assert.equal((await client.write(1024, Buffer.alloc(512))).outcome, 'ENOSPC');
    assert.equal((await client.write(2048, Buffer.alloc(4096), { fua: true })).outcome, 'ENOSPC');
    assert.equal((await client.read(0, 512)).outcome, 'ok');
    assert.deepEqual(
      gate.audit.all('write').map(({ node, epoch, offset, length, outcome, fua }) => {
        return { node, epoch, offset, length, outcome, fua };
      }),
      [
        { node: 'a', epoch: 5, offset: 1024, length: 512, outcome: 'ENOSPC', fua: false },
        { node: 'a', epoch: 5, offset: 2048, length: 4096, outcome: 'ENOSPC', fua: true },
      ],
    );
  });

  it('does not keep the next owner out', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { throughDisk: full });
    await gate.own(owned('a', 5));
    const former = await gate.into(dataName('a', 5));
    const told = former.write(0, Buffer.alloc(512));
    await gate.own(owned('b', 7));
    assert.ok(['ENOSPC', 'ESHUTDOWN', 'no answer'].includes((await told).outcome));
    await gate.into(dataName('b', 7));
  });
});
