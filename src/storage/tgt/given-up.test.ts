import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { persistentReserveOut, PR_OUT } from '../../wire/scsi/persistent-reserve.ts';
import { owned, StorageDir } from '../gate.fixture.ts';
import { stopProcess } from '../nbdkit.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA } from './raw-initiator.fixture.ts';
import { keyOf, obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);
const CONFLICT = 'RESERVATION CONFLICT';
const REGISTER = 'REGISTER_AND_IGNORE_EXISTING_KEY';

describe('tap: a reservation that is given up', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  const ways: readonly [what: string, action: keyof typeof PR_OUT, key: bigint, serviceActionKey: bigint][] =
    [
      ['released', 'RELEASE', keyOf(6), 0n],
      ['cleared', 'CLEAR', keyOf(6), 0n],
      ['unregistered', 'REGISTER', keyOf(6), 0n],
      ['unregistered, whatever its key', REGISTER, 0n, 0n],
    ];
  for (const [what, action, key, serviceActionKey] of ways) {
    it(`${what}: the unit is closed again, but for the owner in the record`, async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const [a, stranger] = [await tap.owner('a', 6), await tap.into()];
      await obtain(a, 6);
      assert.equal((await a.reserveOut(action, key, serviceActionKey)).outcome, 'ok');
      assert.equal((await stranger.write(DATA, 0, block(9))).outcome, CONFLICT);
      assert.equal((await stranger.reserveOut(REGISTER, 0n, 99n)).outcome, CONFLICT);
      assert.ok(readFileSync(dir.data).every((byte) => byte === 0));
      assert.deepEqual(await obtain(await tap.owner('a', 6), 6), ['ok', 'ok']);
    });
  }

  it('a stranger’s attempt at it closes nothing', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const [a, stranger] = [await tap.owner('a', 6), await tap.into()];
    await obtain(a, 6);
    assert.equal((await stranger.reserveOut('CLEAR', keyOf(6))).outcome, CONFLICT);
    assert.equal((await stranger.reserveOut('RELEASE', keyOf(6))).outcome, CONFLICT);
    assert.equal((await a.write(DATA, 0, block(7))).outcome, 'ok');
  });
});

describe('tap: a PERSISTENT RESERVE OUT that is not answered', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  const lists: readonly [what: string, listBytes: number, immediateBytes: number][] = [
    ['whose list never comes', 24, 0],
    ['that is to have more data than its list', 512, 24],
  ];
  for (const [what, listBytes, immediateBytes] of lists) {
    it(`one ${what} keeps nobody from the unit`, async function () {
      this.timeout(8000); // less than others wait for one that tgtd has not begun
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir, { fencing: false });
      const [greedy, a] = [await tap.into(), await tap.owner('a', 6)];
      greedy.sendsData = false;
      const { cdb, dataOut } = persistentReserveOut(PR_OUT.REGISTER, {
        type: 3,
        key: 0n,
        serviceActionKey: 9n,
      });
      const list = Buffer.alloc(listBytes);
      list.set(dataOut!);
      void greedy.command(DATA, { cdb, dataOut: list }, immediateBytes);
      await tap.underWay(1);
      assert.deepEqual(await obtain(a, 6), ['ok', 'ok']);
    });
  }

  it('one whose connection is ended meanwhile counts as what tgtd makes of it: the next one takes over from that', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    await tap.own(owned('b', 7));
    const b = await tap.owner('b', 7);
    await b.reserveOut(REGISTER, 0n, keyOf(7));
    await stopProcess(tap.tgtdPid);
    const lost = b.reserveOut('PREEMPT', keyOf(7), keyOf(6));
    await tap.underWay(1);
    const { connection } = await tap.audit.line('connected', ({ export: name }) => name.startsWith('data@b'));
    await tap.ask('DELETE', `/connections/${connection}`);
    await once(b.socket, 'close');
    process.kill(tap.tgtdPid, 'SIGCONT');
    assert.equal((await lost).outcome, 'no answer');
    const again = await tap.owner('b', 7);
    assert.deepEqual(await obtain(again, 7, keyOf(7)), ['ok', 'ok', 'ok']);
    await again.holder();
    assert.equal((await again.write(DATA, 0, block(7))).outcome, 'ok');
    const told = tap.audit.lines.filter(
      ({ event, ...line }) =>
        ['grant', 'drained', 'admitted'].includes(event) && 'epoch' in line && line.epoch === 7,
    );
    assert.deepEqual(
      told.map(({ event }) => event),
      ['grant', 'drained', 'admitted'],
    );
  });
});
