import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { needs } from '../nbd/servers.fixture.ts';
import { needsTgt, Tgt } from './tgt.fixture.ts';

const run = promisify(execFile);

describe('a tgtd under test', function () {
  this.timeout(20_000);
  before(async function () {
    await needsTgt(this);
    await needs(this, 'iscsi-inq', 'libiscsi-bin');
  });

  it('serves its units to libiscsi, and is there again at the same port after it was killed', async () => {
    await using tgt = await Tgt.start({ units: [{ lun: 1 }, { lun: 2, sizeBytes: 65536 }] });
    const { pid, port } = tgt;
    assert.match((await run('iscsi-inq', [tgt.uri(2)])).stdout, /Vendor:IET/);
    await tgt.kill();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    await tgt.start();
    assert.equal(tgt.port, port);
    assert.match((await run('iscsi-inq', [tgt.uri(1)])).stdout, /Vendor:IET/);
  });
});
