import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { IscsiUnit as Reserving } from '../../src/block/iscsi/unit.ts';
import { needsTgt, Tgt } from '../../src/block/iscsi/tgt.fixture.ts';
import { RESERVATION_TYPE } from '../../src/ports/reservable-unit.ts';
import { programs } from '../engines/programs.ts';

const run = promisify(execFile);
const secret = 'a secret of the lab';

describe('a trespasser over iSCSI', function () {
  this.timeout(30_000);
  before(function () {
    return needsTgt(this);
  });

  /** In a process of its own, as the lab runs it. */
  async function tries(tgt: Tgt, op: 'read' | 'write', user = 'lab'): Promise<string> {
    const file = `${tgt.image(2)}.secret`;
    await writeFile(file, secret, { mode: 0o600 });
    const uri = tgt.uri(2, { user, query: `chap-secret-file=${encodeURIComponent(file)}` });
    const argv = [programs.trespass, '--uri', uri, '--export', 'data@server-9.7.0badcafe', '--op', op];
    const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', ...argv]);
    const { outcome, reason } = JSON.parse(stdout) as { outcome: string; reason: string };
    return `${outcome}: ${reason}`;
  }

  it('gets through to a unit that is open, and is refused by one that is reserved', async () => {
    await using tgt = await Tgt.start({ units: [{ lun: 2 }], chap: [{ user: 'lab', secret }] });
    assert.match(await tries(tgt, 'read'), /^done: read block 0$/);
    assert.match(await tries(tgt, 'write'), /^done: wrote block 2047$/);
    assert.match(await readFile(tgt.image(2), 'latin1'), /TRESPASS$/);

    const file = `${tgt.image(2)}.secret`;
    const owner = await Reserving.open({ address: tgt.address(2, { user: 'lab', secretFile: file }) }, 5000);
    await owner.registerKey(7n, 5000).catch(() => owner.registerKey(7n, 5000)); // it is told of the login first
    await owner.reserve(7n, RESERVATION_TYPE.exclusiveAccess, 5000);
    assert.match(await tries(tgt, 'read'), /^refused: .*READ of block 0 failed: RESERVATION CONFLICT$/);
    assert.match(await tries(tgt, 'write'), /^refused: .*WRITE of block 2047 failed: RESERVATION CONFLICT$/);
    await owner.close();
  });

  it('is not let in without the right name', async () => {
    await using tgt = await Tgt.start({ units: [{ lun: 2 }], chap: [{ user: 'lab', secret }] });
    assert.match(await tries(tgt, 'read', 'nobody'), /^refused: .*login/);
  });
});
