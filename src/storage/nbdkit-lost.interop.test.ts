import assert from 'node:assert/strict';
import { needs } from '../block/nbd/servers.fixture.ts';
import { dataName, owned, recordSector, StorageDir, TestGate } from './gate.fixture.ts';
import { GateProcess } from './gate-process.fixture.ts';
import { isThere, openFilesOf, serverOf, stopProcess } from './nbdkit.fixture.ts';
import { RawClient } from './raw-client.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

describe('the gate over an nbdkit that ends by itself', function () {
  before(async function () {
    await needs(this, 'nbdkit', 'nbdkit');
  });

  it('what was under way gets no answer, its owner comes back under its name to another process', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { backend: 'nbdkit' });
    await gate.own(owned('a', 5));
    const [client, idle] = [await gate.into(dataName('a', 5)), await gate.into(dataName('a', 5))];
    assert.equal((await client.write(0, block(1))).outcome, 'ok');
    const { pid } = await serverOf(gate.audit, 'data', 5);
    await stopProcess(pid);
    const told = Promise.all([
      client.write(512, block(2), { fua: true }),
      client.read(0, 512),
      client.flush(),
    ]);
    const inFlight = (): boolean => JSON.stringify(gate.gate.status()).includes('"requestsInFlight":3');
    while (!inFlight()) await gate.refusal('nobody');
    process.kill(pid, 'SIGKILL');
    assert.deepEqual(
      (await told).map(({ outcome }) => outcome),
      ['no answer', 'no answer', 'no answer'],
    );
    await Promise.all([client.closed, idle.closed]);

    const again = await gate.into(dataName('a', 5));
    assert.ok((await again.read(0, 512)).data.equals(block(1)));
    assert.equal((await again.write(512, block(3), { fua: true })).outcome, 'ok');
    assert.notEqual((await serverOf(gate.audit, 'data', 5)).pid, pid);
    const ended = await gate.audit.line('server-ended');
    assert.deepEqual([ended.pid, ended.signal, ended.byItself, ended.epoch], [pid, 'SIGKILL', true, 5]);
    assert.deepEqual(
      gate.audit.all('write').map(({ outcome }) => outcome),
      ['ok', 'unknown', 'ok'],
    );
    const reasons = gate.audit.all('disconnected').map(({ reason }) => reason);
    assert.ok(reasons.includes('the server process of the data area ended with SIGKILL'), reasons.join());
    assert.deepEqual(gate.troubles, [
      'storage: nbdkit of the data area ended by itself with SIGKILL: its clients are ended, and may ask again; another one is started',
    ]);
  });

  it('the one of the quorum area: what became of a record on its way is read from the next one', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { backend: 'nbdkit' });
    await gate.own(owned('a', 5));
    // Let in: the gate has read the record, and nothing of its own is under way to the process any more.
    await gate.into(dataName('a', 5));
    const { pid } = await serverOf(gate.audit, 'quorum');
    const [claimant, other] = [await gate.into('quorum'), await gate.into('quorum')];
    await stopProcess(pid);
    const told = claimant.write(512, recordSector(owned('b', 7)), { fua: true });
    while (!JSON.stringify(gate.gate.status()).includes('"requestsInFlight":1')) await gate.refusal('nobody');
    process.kill(pid, 'SIGKILL');
    assert.equal((await told).outcome, 'no answer');
    await other.closed;
    assert.equal(
      (await gate.audit.line('quorum-write', ({ outcome }) => outcome !== 'ok')).outcome,
      'unknown',
    );
    await gate.into(dataName('a', 5));
    await gate.own(owned('b', 7, 'a', 2));
    await gate.into(dataName('b', 7));
  });
});

describe('the gate over nbdkit: the lock on its file', function () {
  before(async function () {
    await needs(this, 'nbdkit', 'nbdkit');
  });

  async function killedGate(dir: StorageDir): Promise<number> {
    await using gate = GateProcess.over(dir, '--backend', 'nbdkit');
    const to = await gate.to();
    const quorum = await RawClient.into(to, 'quorum');
    await quorum.write(512, recordSector(owned('a', 5)), { fua: true });
    const client = await RawClient.into(to, dataName('a', 5));
    assert.equal((await client.write(0, block(1), { fua: true })).outcome, 'ok');
    const { pid } = await serverOf(gate.audit, 'data', 5);
    // Twice: as the gate opened and locked it, and as it opened it itself.
    assert.equal(openFilesOf(pid).filter((path) => path === dir.data).length, 2);
    await stopProcess(pid);
    await gate.kill('SIGKILL');
    return pid;
  }

  it('a gate that is killed leaves it with nbdkit: the next one waits, and says for what', async () => {
    using dir = new StorageDir();
    const pid = await killedGate(dir);
    try {
      await assert.rejects(TestGate.start(dir, { backend: 'nbdkit', lockWaitMs: 20 }), {
        message: `storage: ${dir.data} is in use by another storage process (waited 20 ms for it to end)`,
      });
      let started = false;
      const starting = TestGate.start(dir, { backend: 'nbdkit', lockWaitMs: 60_000 });
      void starting.then(() => (started = true));
      using elsewhere = new StorageDir();
      await using _other = await TestGate.start(elsewhere);
      assert.equal(started, false);
      // It goes on, and finds that nobody is there any more whom it could serve.
      process.kill(pid, 'SIGCONT');
      await using gate = await starting;
      assert.ok((await (await gate.into(dataName('a', 5))).read(0, 512)).data.equals(block(1)));
    } finally {
      if (isThere(pid)) process.kill(pid, 'SIGKILL');
    }
  });
});
