import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordOffset } from '../../area/layout.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { dataName, owned, recordSector, StorageDir } from '../gate.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM, type RawInitiator } from './raw-initiator.fixture.ts';
import { keyOf, obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);
const CONFLICT = 'RESERVATION CONFLICT';
const REGISTER = 'REGISTER_AND_IGNORE_EXISTING_KEY';

async function writes(initiator: RawInitiator): Promise<string> {
  return (await initiator.write(DATA, 0, block(9))).outcome;
}

/** Kills the tgtd that serves; resolves when the next one does. */
async function killTgtd(tap: TestTap): Promise<void> {
  const { tgtdPid } = tap;
  process.kill(tgtdPid, 'SIGKILL');
  await tap.audit.line('server-ended', ({ pid }) => pid === tgtdPid);
  await tap.audit.line('server-started', ({ pid }) => pid !== tgtdPid);
  await tap.serves();
}

describe('tap: the data unit after a start', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('nobody reads or writes it, whatever the command and the form of its LUN; what does neither goes on', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir);
    const stranger = await tap.into();
    const withLowerLevel = Uint8Array.of(0, DATA, 0, 9, 0, 0, 0, 0);
    const flat = Uint8Array.of(0x40, DATA, 0, 0, 0, 0, 0, 0);
    for (const lun of [DATA, flat, withLowerLevel]) {
      assert.equal((await stranger.write(lun, 0, block(9))).outcome, CONFLICT);
      assert.deepEqual(await stranger.read(lun, 0, 1), { outcome: CONFLICT, data: Buffer.alloc(0) });
    }
    for (const operation of [OPERATION.RESERVE_6, OPERATION.MODE_SELECT_6, 0xc1]) {
      assert.equal(
        (await stranger.command(DATA, { cdb: Uint8Array.of(operation, 0, 0, 0, 0, 0) })).outcome,
        CONFLICT,
      );
    }
    const inquiry = await stranger.command(DATA, {
      cdb: Uint8Array.of(OPERATION.INQUIRY, 0, 0, 0, 96, 0),
      dataInBytes: 96,
    });
    assert.deepEqual([inquiry.outcome, inquiry.data.length > 36], ['ok', true]);
    assert.equal((await stranger.command(DATA, { cdb: new Uint8Array(6) })).outcome, 'ok');
    assert.equal((await stranger.read(QUORUM, 0, 1)).outcome, 'ok', 'the quorum unit is everybody’s');
    assert.ok(readFileSync(dir.data).every((byte) => byte === 0));
    assert.equal(tap.audit.all('write-refused').length, 3);
    assert.equal(tap.audit.all('refused').length, 1, 'a connection is turned away once');
  });

  it('what the tap answers itself leaves no gap in the numbering, and nothing of the data behind', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir);
    for (const digest of [false, true]) {
      const stranger = await tap.into({ digest });
      const large = Buffer.alloc(512 * 1024, 9);
      const asked = [
        stranger.write(DATA, 0, large),
        stranger.read(DATA, 0, 256),
        stranger.read(QUORUM, 0, 8),
        stranger.write(DATA, 0, large, 0),
      ];
      const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
      assert.deepEqual(outcomes, [CONFLICT, CONFLICT, 'ok', CONFLICT]);
      const [first = 0] = stranger.statSNs;
      assert.deepEqual(
        stranger.statSNs,
        stranger.statSNs.map((_, index) => first + index),
      );
    }
    assert.ok(readFileSync(dir.data).every((byte) => byte === 0));
  });

  it('a unit attention is told before the conflict, for it is told once', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir);
    const [stranger, other] = [await tap.into(), await tap.into()];
    assert.equal(await other.reset(), 'ok');
    assert.match(await writes(stranger), /^UNIT ATTENTION 29h/);
    assert.equal(await writes(stranger), CONFLICT);
    assert.equal(tap.audit.all('write-refused').length, 2);
  });

  it('it is the owner in the record who may register, as the record stands then', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const b = await tap.owner('b', 7);
    assert.equal((await b.reserveOut(REGISTER, 0n, keyOf(7))).outcome, CONFLICT);
    const refused = await tap.audit.line('refused');
    assert.deepEqual([refused.export, refused.node, refused.epoch], [dataName('b', 7), 'b', 7]);
    assert.match(refused.reason, /the quorum record shows a, epoch 6$/);
    await tap.own(owned('b', 7));
    assert.deepEqual(await obtain(b, 7), ['ok', 'ok']);
    assert.equal(await writes(b), 'ok');
  });

  it('an owner that registered in time and is one no longer cannot reserve', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    assert.equal((await a.reserveOut(REGISTER, 0n, keyOf(6))).outcome, 'ok');
    await tap.own(owned('b', 7));
    assert.equal((await a.reserveOut('RESERVE', keyOf(6))).outcome, CONFLICT);
    assert.equal(await writes(a), CONFLICT);
  });

  it('a claim, a release and a damaged record let nobody in', async () => {
    const damaged = recordSector(owned('b', 7)).with(100, 1);
    for (const record of [recordSector({ ...owned('b', 7), status: 0 }), damaged, Buffer.alloc(512)]) {
      using dir = new StorageDir(512, owned('b', 7));
      const area = readFileSync(dir.quorum);
      area.set(record, recordOffset(512));
      writeFileSync(dir.quorum, area);
      await using tap = await TestTap.start(dir);
      const b = await tap.owner('b', 7);
      assert.deepEqual(await obtain(b, 7), [CONFLICT, CONFLICT]);
    }
  });

  it('from the owner’s reservation on tgtd decides: others may register, and preempt', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    const b = await tap.owner('b', 7);
    assert.equal(await writes(b), CONFLICT);
    assert.deepEqual(await obtain(b, 7, keyOf(6)), ['ok', 'ok', 'ok']);
    assert.equal(await writes(b), 'ok');
  });

  it('a parameter list that does not come with its command is refused, and the session goes on', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { fencing: false });
    const a = await tap.owner('a', 6);
    assert.match((await a.reserveOut(REGISTER, 0n, keyOf(6), 0)).outcome, /^ILLEGAL REQUEST 1Ah\/00h/);
    assert.equal((await a.reserveOut(REGISTER, 0n, keyOf(6))).outcome, 'ok');
  });

  it('what tgtd would carry out past a reservation is refused to everybody', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    const stranger = await tap.into();
    for (const initiator of [a, stranger]) {
      const cdb = Buffer.alloc(16);
      cdb[0] = OPERATION.WRITE_SAME_16;
      cdb.writeUInt32BE(8, 10);
      const { outcome } = await initiator.command(DATA, { cdb, dataOut: block(9) });
      assert.match(outcome, /^ILLEGAL REQUEST 20h\/00h/);
    }
    assert.ok(readFileSync(dir.data).every((byte) => byte === 0));
  });
});

describe('tap: after tgtd or the storage node ended', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('tgtd is killed: its reservations are gone, and the unit is the owner’s all the same', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    await tap.own(owned('b', 7));
    await killTgtd(tap);
    assert.equal(await writes(a), 'no answer', 'its connection is gone');
    const former = await tap.owner('a', 6);
    assert.deepEqual(await obtain(former, 6), [CONFLICT, CONFLICT]);
    assert.equal(await writes(former), CONFLICT);
    const b = await tap.owner('b', 7);
    assert.deepEqual(await obtain(b, 7), ['ok', 'ok']);
    assert.equal(await writes(b), 'ok');
    assert.match(tap.troubles[0]!, /tgtd ended by itself with SIGKILL; another one is started$/);
  });

  it('the owner comes back on a new session: admitted again, and granted once', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const first = await tap.owner('a', 6);
    await obtain(first, 6);
    await first.holder();
    first.destroy();
    const second = await tap.owner('a', 6);
    assert.equal(await writes(second), CONFLICT, 'the reservation is its former session’s');
    assert.deepEqual(await obtain(second, 6, keyOf(6)), ['ok', 'ok', 'ok']);
    await second.holder();
    await killTgtd(tap);
    const third = await tap.owner('a', 6);
    await obtain(third, 6);
    await third.holder();
    assert.equal(await writes(third), 'ok');
    const count = (event: 'grant' | 'drained' | 'admitted'): number => tap.audit.all(event).length;
    assert.deepEqual([count('grant'), count('drained'), count('admitted')], [1, 1, 3]);
  });

  it('an owner that has preempted is let in when the former one’s writes are through, by a reset or with tgtd', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    await obtain(await tap.owner('a', 6), 6);
    await tap.own(owned('b', 7));
    const b = await tap.owner('b', 7);
    await b.reserveOut(REGISTER, 0n, keyOf(7));
    assert.equal((await b.reserveOut('PREEMPT', keyOf(7), keyOf(6))).outcome, 'ok');
    assert.equal(await b.holder(), keyOf(7));
    assert.deepEqual(tap.audit.all('admitted'), []);
    await killTgtd(tap);
    assert.deepEqual(
      tap.audit.all('drained').map(({ epoch }) => epoch),
      [6, 7],
    );
    const again = await tap.owner('b', 7);
    await obtain(again, 7);
    await again.holder();
    assert.deepEqual(
      tap.audit.all('admitted').map(({ epoch }) => epoch),
      [7],
    );
  });

  it('registered is not held: a session with the owner’s key is not let in before the reservation is its own', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const first = await tap.owner('a', 6);
    await obtain(first, 6);
    const second = await tap.owner('a', 6);
    await second.reserveOut(REGISTER, 0n, keyOf(6));
    assert.equal(await second.holder(), keyOf(6));
    assert.deepEqual(tap.audit.all('admitted'), []);
  });

  it('after a restart it remembers its grant, and lets in no lower epoch that a late write put into the record', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    {
      await using tap = await TestTap.start(dir);
      await obtain(await tap.owner('b', 7), 7);
      await tap.own(owned('a', 6));
    }
    await using tap = await TestTap.start(dir);
    assert.deepEqual(tap.audit.all('gate-started')[0]!.granted, {
      node: 'b',
      epoch: 7,
      incarnation: 'aaaaaaaa',
    });
    assert.deepEqual(await obtain(await tap.owner('a', 6), 6), [CONFLICT, CONFLICT]);
    assert.match((await tap.audit.line('refused')).reason, /epoch 6 is over: 7 was granted$/);
    await tap.own(owned('b', 7, 'a', 2));
    assert.deepEqual(await obtain(await tap.owner('b', 7), 7), ['ok', 'ok']);
  });

  it('a grant that cannot be kept is not told to its owner', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir);
    mkdirSync(join(dir.state, 'grant.json.new'));
    assert.deepEqual(await obtain(await tap.owner('b', 7), 7), ['ok', 'no answer']);
    assert.deepEqual(tap.audit.all('grant'), []);
    const { reason } = await tap.audit.line('disconnected');
    assert.match(reason, /^the grant cannot be kept: EISDIR/);
  });

  it('for reading alone: no write is taken, and the files stay as they are', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir, { fencing: false, readOnly: true });
    const client = await tap.into();
    assert.match(await writes(client), /^DATA PROTECT 27h\/00h/);
    assert.match((await client.write(QUORUM, 1, block(9))).outcome, /^DATA PROTECT 27h\/00h/);
    assert.equal((await client.read(DATA, 0, 1)).outcome, 'ok');
  });

  it('without fencing everybody is in, and an owner is admitted with its login', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir, { fencing: false });
    const stranger = await tap.into();
    assert.equal(await writes(stranger), 'ok');
    await tap.owner('a', 6);
    const { epoch, node } = await tap.audit.line('admitted');
    assert.deepEqual([node, epoch], ['a', 6]);
    assert.equal(tap.audit.all('gate-started')[0]!.fencing, false);
  });
});
