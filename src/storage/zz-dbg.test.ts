import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { dataName, owned, recordSector, StorageDir } from '/work/main/src/storage/gate.fixture.ts';
import { GateProcess } from '/work/main/src/storage/gate-process.fixture.ts';
import { RawClient } from '/work/main/src/storage/raw-client.fixture.ts';

const ROUNDS = 20;

describe('a gate that is killed around a grant', () => {
  it(`comes back, ${ROUNDS} times in a row, with a grant no lower than any that it admitted`, async function () {
    this.timeout(120_000);
    using dir = new StorageDir();
    let epoch = 1;
    let admitted = 0;
    let interrupted = 0;
    for (let round = 0; round < ROUNDS; round++) {
 console.error('round',round,performance.now());
      await using gate = GateProcess.over(dir);
      const { granted } = await gate.started();
      const to = await gate.to(); console.error('started', granted, admitted);
      assert.ok(
        (granted?.epoch ?? 0) >= admitted,
        `round ${round}: ${granted?.epoch} after ${admitted} was admitted`,
      );
      if (admitted > 0 && granted!.epoch > admitted) {
        const answer = await (await RawClient.connect(to)).go(dataName('a', admitted));
        assert.match(JSON.stringify(answer), /is over/);
      }

      // The kill comes somewhere between the write of the record and the first write of the owner it lets in.
      console.error('checked');const quorum = await RawClient.into(to, 'quorum');
      const owner = await RawClient.connect(to);
      const claimed = ++epoch;
      const killed = delay(round * 0.4).then(() => gate.kill('SIGKILL'));
      void quorum.write(512, recordSector(owned('a', claimed)), { fua: true });
      for (;;) {
        const answer = await owner.go(dataName('a', claimed));console.error(answer);
        if (answer === 'no answer') interrupted++;
        if (answer === 'no answer' || !('refused' in answer)) {
          if (answer !== 'no answer') admitted = claimed;
          break;
        }
      }
      console.error('await killed');await killed;
      quorum.destroy();
      owner.destroy();
    }
    assert.ok(
      admitted > 0 && interrupted > 0,
      `vacuous: ${interrupted} of ${ROUNDS} kills came before the admission`,
    );
  });

  it('SIGTERM ends it cleanly: the audit says so, and the exit code is 0', async () => {
    using dir = new StorageDir();
    await using gate = GateProcess.over(dir);
    await RawClient.into(await gate.to(), 'quorum');
    await gate.kill('SIGTERM');
    assert.deepEqual(await gate.exited, { code: 0, signal: null });
    assert.deepEqual(
      gate.audit.lines.slice(-2).map(({ event }) => event),
      ['disconnected', 'gate-stopped'],
    );
    assert.equal(gate.stderr, '');
  });

  it('nobody reads its audit any more: it ends, for what it would do then nobody could prove', async () => {
    using dir = new StorageDir();
    await using gate = GateProcess.over(dir);
    const to = await gate.to();
    gate.hangUp();
    await RawClient.into(to, 'quorum').catch(() => undefined);
    assert.equal((await gate.exited).code, 3);
    assert.match(
      gate.stderr,
      /^arbiter: storage: the audit log on standard output cannot be written: .*EPIPE/,
    );
  });
});
