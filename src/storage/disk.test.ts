import assert from 'node:assert/strict';
import { type Medium, OutcomeLost, SyncedDisk } from './disk.ts';

/** A medium whose syncs end when and how the test says. */
class ScriptedMedium implements Medium {
  readonly sizeBytes = 4096;
  readonly syncs: { end(error?: Error): void }[] = [];
  written = 0;

  read(): Promise<void> {
    return Promise.resolve();
  }

  write(): Promise<void> {
    this.written++;
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.syncs.push({ end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  }
}

const failure = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
const bytes = new Uint8Array(512);

/** Everything that can go on without a sync that ends has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('a disk that syncs', () => {
  it('one sync serves everybody who asked before it began; who asks while it runs gets the next one', async () => {
    const medium = new ScriptedMedium();
    const disk = new SyncedDisk(medium);
    const all = [disk.flush(), disk.flush(), disk.write(0, bytes, true)];
    await turn();
    assert.equal(medium.syncs.length, 1, 'one at a time');
    medium.syncs[0]!.end();
    await all[0];
    await turn();
    medium.syncs[1]!.end();
    await Promise.all(all);
    assert.equal(medium.syncs.length, 2);
  });

  it('a sync that failed is everybody’s failure who waited for it', async () => {
    const medium = new ScriptedMedium();
    const disk = new SyncedDisk(medium);
    const first = disk.flush();
    const waiting = [disk.flush(), disk.write(0, bytes, true)];
    const told = Promise.allSettled(waiting);
    await turn();
    medium.syncs[0]!.end();
    await first;
    await turn();
    medium.syncs[1]!.end(failure);
    for (const each of await told) assert.equal(each.status, 'rejected');
  });

  it('a write that was under way while a sync failed is not durable, though the sync after it succeeds', async () => {
    const medium = new ScriptedMedium();
    const disk = new SyncedDisk(medium);
    const failing = assert.rejects(disk.flush(), failure);
    const meanwhile = disk.write(0, bytes, true);
    const told = assert.rejects(meanwhile, {
      code: 'EIO',
      message: 'EIO: an earlier write could not be made durable and is lost',
    });
    await turn();
    medium.syncs[0]!.end(failure);
    await failing;
    await turn();
    medium.syncs[1]!.end();
    await told;
  });

  it('a flush fails for good once a sync has failed, without asking a medium that would say yes', async () => {
    const medium = new ScriptedMedium();
    const told: unknown[] = [];
    const disk = new SyncedDisk(medium, { onSyncFailed: (error) => told.push(error) });
    const failing = assert.rejects(disk.flush(), failure);
    medium.syncs[0]!.end(failure);
    await failing;
    await assert.rejects(disk.flush(), { code: 'EIO' });
    assert.equal(medium.syncs.length, 1);
    const later = disk.write(0, bytes, true);
    await turn();
    medium.syncs[1]!.end(failure);
    await assert.rejects(later, failure);
    assert.deepEqual(told, [failure], 'people are told once');
  });

  // prettier-ignore
  for (const [refusesAfterFailure, outcome] of [[false, 'goes on'], [true, 'fails for good, too']] as const) {
    it(`a durable write that began later ${outcome}${refusesAfterFailure ? ' where that is asked for' : ''}`, async () => {
      const medium = new ScriptedMedium();
      const disk = new SyncedDisk(medium, { refusesAfterFailure });
      const failing = assert.rejects(disk.flush(), failure);
      medium.syncs[0]!.end(failure);
      await failing;
      const later = disk.write(0, bytes, true);
      if (refusesAfterFailure) {
        await assert.rejects(later, { code: 'EIO' });
        assert.equal(medium.written, 0);
      } else {
        await turn();
        medium.syncs[1]!.end();
        await later;
      }
      await disk.write(0, bytes, false);
      await disk.read(0, bytes);
    });
  }

  it('a medium that was lost has not failed: the next flush asks it again', async () => {
    const medium = new ScriptedMedium();
    const disk = new SyncedDisk(medium, { refusesAfterFailure: true });
    const lost = assert.rejects(disk.flush(), OutcomeLost);
    medium.syncs[0]!.end(new OutcomeLost('gone'));
    await lost;
    const again = disk.write(0, bytes, true);
    await turn();
    medium.syncs[1]!.end();
    await again;
  });
});
