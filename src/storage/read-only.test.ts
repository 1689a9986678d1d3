import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, readdirSync, rmSync } from 'node:fs';
import { dataName, owned, recordSector, StorageDir, TestGate } from './gate.fixture.ts';
import { GateProcess } from './gate-process.fixture.ts';
import { RawClient } from './raw-client.fixture.ts';

/** How this process has a file open: `r`, or `rw`. */
function openedAs(path: string): string[] {
  const fds = readdirSync('/proc/self/fd').filter((fd) => pathOf(fd) === path);
  return fds.map((fd) => {
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!;
    return (Number.parseInt(flags, 8) & 3) === 0 ? 'r' : 'rw';
  });
}

function pathOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

describe('the gate: for reading alone', () => {
  it('a client that writes is told EPERM, in both areas, and nothing changes; it can read on', async () => {
    using dir = new StorageDir(512, owned('a', 5));
    const before = readFileSync(dir.quorum);
    await using gate = await TestGate.start(dir, { readOnly: true });
    for (const name of ['quorum', dataName('a', 5)]) {
      const client = await gate.into(name);
      const { outcome } = await client.write(512, recordSector(owned('b', 7)), { fua: true });
      assert.equal(outcome, 'EPERM');
      assert.equal((await client.flush()).outcome, 'ok');
      assert.equal((await client.read(512, 512)).outcome, 'ok');
    }
    assert.deepEqual([gate.audit.all('write'), gate.audit.all('quorum-write')], [[], []]);
    assert.ok(readFileSync(dir.quorum).equals(before));
    assert.match(await gate.refusal(dataName('b', 7)), /last granted epoch 5$/);
  });

  it('neither file is open for writing, so that not even a mistake of the gate can change them', async () => {
    using dir = new StorageDir();
    {
      await using _ = await TestGate.start(dir);
      assert.deepEqual([openedAs(dir.quorum), openedAs(dir.data)], [['rw'], ['rw']]);
    }
    await using _ = await TestGate.start(dir, { readOnly: true });
    assert.deepEqual([openedAs(dir.quorum), openedAs(dir.data)], [['r'], ['r']]);
  });

  it('is asked for with --read-only', async () => {
    using dir = new StorageDir();
    await using gate = GateProcess.over(dir, '--read-only');
    const client = await RawClient.into(await gate.to(), 'quorum');
    assert.equal((await client.write(512, recordSector(owned('b', 7)))).outcome, 'EPERM');
  });

  it('it makes no file where there is none', async () => {
    using dir = new StorageDir();
    rmSync(dir.data);
    const starting = TestGate.start(dir, { readOnly: true, createDataBytes: 4096 });
    await assert.rejects(starting, { message: /^storage: data file .*: ENOENT: no such file or directory$/ });
  });
});
