import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeldWrites } from '../../block/iscsi/held-writes.fixture.ts';
import { owned, StorageDir } from '../gate.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM, type RawInitiator } from './raw-initiator.fixture.ts';
import { keyOf, obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);
const REGISTER = 'REGISTER_AND_IGNORE_EXISTING_KEY';

/** A storage node whose tgtd waits in every write while it is told to. */
async function withHeldWrites(dir: StorageDir): Promise<{ tap: TestTap; writes: HeldWrites }> {
  const writes = await HeldWrites.make(dir.path);
  const tgtdProgram = join(dir.path, 'held-tgtd');
  const env = Object.entries(writes.env).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(tgtdProgram, `#!/bin/sh\nexec env ${env.join(' ')} tgtd "$@"\n`, { mode: 0o755 });
  return { writes, tap: await TestTap.start(dir, { tgtdProgram }) };
}

/** Resolves with whether it was settled by the time that somebody else's command was answered. */
async function isSettled(promise: Promise<unknown>, other: RawInitiator): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  for (let i = 0; i < 20; i++) await other.read(QUORUM, 0, 1);
  return settled;
}

describe('tap: writes that are queued in the target when their owner is preempted', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
    needs(this, 'gcc', 'gcc');
  });

  const forms: readonly [how: string, write: number | Uint8Array, reset: number | Uint8Array][] = [
    ['as usual', DATA, DATA],
    ['in flat space', Uint8Array.of(0x40, DATA, 0, 0, 0, 0, 0, 0), DATA],
    ['with a lower level', Uint8Array.of(0, DATA, 0, 9, 0, 0, 0, 0), DATA],
    ['as usual, and the reset in flat space', DATA, Uint8Array.of(0x40, DATA, 0, 0, 0, 0, 0, 0)],
  ];
  for (const [how, lun, resetLun] of forms) {
    it(`a reset waits for them, and nothing is drained before; their LUN written ${how}`, async () => {
      using dir = new StorageDir(512, owned('a', 6));
      const { tap, writes } = await withHeldWrites(dir);
      await using _ = tap;
      const [a, b] = [await tap.owner('a', 6), await tap.owner('b', 7)];
      await obtain(a, 6);
      await writes.hold();
      const queued = [a.write(lun, 0, block(9)), a.write(lun, 1, block(9))];
      await writes.waiting(2);
      await b.reserveOut(REGISTER, 0n, keyOf(7));
      assert.equal((await b.reserveOut('PREEMPT', keyOf(7), keyOf(6))).outcome, 'ok');
      const reset = b.reset(resetLun);
      assert.equal(await isSettled(reset, b), false);
      assert.ok(!tap.audit.all('drained').some(({ epoch }) => epoch === 7));
      await writes.letGo();
      await Promise.all(queued);
      assert.equal(await reset, 'ok');
      const told = tap.audit.lines.map(({ event }) => event);
      assert.ok(told.lastIndexOf('write') < told.lastIndexOf('drained'));
      assert.ok(
        readFileSync(dir.data)
          .subarray(0, 1024)
          .every((byte) => byte === 9),
      );
    });
  }

  it('nor is anything drained by the reservation of a unit that its owner gave up with writes under way', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    const { tap, writes } = await withHeldWrites(dir);
    await using _ = tap;
    const [a, b] = [await tap.owner('a', 6), await tap.owner('b', 7)];
    await obtain(a, 6);
    await tap.own(owned('b', 7));
    await writes.hold();
    const queued = a.write(DATA, 0, block(9));
    await writes.waiting(1);
    assert.equal((await a.reserveOut('RELEASE', keyOf(6))).outcome, 'ok');
    assert.deepEqual(await obtain(b, 7), ['ok', 'ok']);
    assert.ok(!tap.audit.all('drained').some(({ epoch }) => epoch === 7));
    await writes.letGo();
    await queued;
    assert.equal(await b.reset(), 'ok');
    assert.ok(tap.audit.all('drained').some(({ epoch }) => epoch === 7));
  });

  it('a reset that began before the preempt says nothing of what the former owner began in between', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    const { tap, writes } = await withHeldWrites(dir);
    await using _ = tap;
    const [a, b] = [await tap.owner('a', 6), await tap.owner('b', 7)];
    await obtain(a, 6);
    await b.reserveOut(REGISTER, 0n, keyOf(7));
    await writes.hold();
    const slow = a.write(DATA, 0, block(9));
    await writes.waiting(1);
    const first = b.reset();
    assert.equal(await isSettled(first, b), false);
    await Promise.all([a.settle(DATA), b.settle(DATA)]);
    const more = a.write(DATA, 1, block(9));
    await writes.waiting(2);
    assert.equal((await b.reserveOut('PREEMPT', keyOf(7), keyOf(6))).outcome, 'ok');
    await writes.letGo();
    await Promise.all([slow, more, first]);
    assert.ok(!tap.audit.all('drained').some(({ epoch }) => epoch === 7));
    assert.equal(await b.reset(), 'ok');
    assert.ok(tap.audit.all('drained').some(({ epoch }) => epoch === 7));
  });
});
