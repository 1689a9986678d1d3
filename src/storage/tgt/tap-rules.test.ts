import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { RuleStatus } from '../rules.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { dataName, owned, recordSector, StorageDir } from '../gate.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM, type RawInitiator } from './raw-initiator.fixture.ts';
import { keyOf, obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);
const FLUSH = { cdb: Uint8Array.of(OPERATION.SYNCHRONIZE_CACHE_16, ...new Uint8Array(15)) };

async function rule(tap: TestTap, id: string): Promise<RuleStatus> {
  const [, status] = await tap.ask('GET', `/rules/${id}`);
  return status as RuleStatus;
}

/** Every answer came with the number after the last one’s. */
function assertUnbroken({ statSNs }: RawInitiator): void {
  const [first = 0] = statSNs;
  assert.deepEqual(
    statSNs,
    statSNs.map((_, index) => first + index),
  );
}

for (const digest of [false, true]) {
  describe(`tap: one chosen command, ${digest ? 'with digests' : 'without digests'}`, () => {
    before(function () {
      needs(this, 'tgtd', 'tgt');
    });

    it('it is held, with everything behind it on its connection, and nothing on others', async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const [one, other] = [await tap.into({ digest }), await tap.into({ digest })];
      const id = await tap.arm({ export: 'quorum', op: 'write', offset: 1024, action: 'hold' });
      const order: string[] = [];
      const held = one.write(QUORUM, 2, block(2)).then(() => order.push('held'));
      const behind = one.read(QUORUM, 0, 1).then(() => order.push('behind'));
      await tap.holding(id);
      assert.equal((await other.write(QUORUM, 2, block(3))).outcome, 'ok');
      assert.ok(readFileSync(dir.quorum).subarray(1024, 1536).equals(block(3)));
      assert.deepEqual(order, []);
      await tap.ask('POST', `/rules/${id}/release`);
      await Promise.all([held, behind]);
      assert.ok(readFileSync(dir.quorum).subarray(1024, 1536).equals(block(2)));
      assert.equal((await rule(tap, id)).outcome, 'ok');
      assertUnbroken(one);
    });

    it('a held write of the record lands when it is released, though its session is gone', async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const id = await tap.arm({ export: 'quorum', op: 'write', action: 'hold' });
      const slow = await tap.into({ digest });
      void slow.write(QUORUM, 1, recordSector(owned('slow', 9)));
      await tap.holding(id);
      slow.destroy();
      await tap.own(owned('b', 7));
      await tap.ask('POST', `/rules/${id}/release`);
      const late = await tap.audit.line('quorum-write', ({ record }) => record?.node === 'slow');
      assert.equal(late.outcome, 'ok');
      assert.ok(
        readFileSync(dir.quorum)
          .subarray(512, 1024)
          .equals(recordSector(owned('slow', 9))),
      );
    });

    it('a held write of a former owner is refused when it is released', async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const a = await tap.owner('a', 6, { digest });
      await obtain(a, 6);
      const id = await tap.arm({ export: 'data', op: 'write', action: 'hold' });
      const late = a.write(DATA, 0, block(9));
      await tap.holding(id);
      await tap.own(owned('b', 7));
      await obtain(await tap.owner('b', 7), 7, keyOf(6));
      await tap.ask('POST', `/rules/${id}/release`);
      assert.match((await late).outcome, /^UNIT ATTENTION/);
      const { node, epoch, lastGranted } = await tap.audit.line('write-refused');
      assert.deepEqual([node, epoch, lastGranted], ['a', 6, 7]);
      assert.ok(readFileSync(dir.data).subarray(0, 512).equals(block(0)));
    });

    it('it is delayed, and then carried out', async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const id = await tap.arm({ export: 'quorum', op: 'flush', action: 'delay', delayMs: 5 });
      const client = await tap.into({ digest });
      assert.equal((await client.command(QUORUM, FLUSH)).outcome, 'ok');
      assert.deepEqual([(await rule(tap, id)).state, (await rule(tap, id)).outcome], ['released', 'ok']);
    });

    it('it is failed as a target fails it, and not carried out; what follows is', async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const client = await tap.owner('a', 6, { digest });
      await obtain(client, 6);
      await client.holder();
      const rows = [
        [
          { export: 'data', op: 'write', action: 'fail', error: 'ENOSPC' },
          /^DATA PROTECT 27h\/07h/,
          (): unknown => client.write(DATA, 0, block(9)),
        ],
        [
          { export: 'data', op: 'write', action: 'fail' },
          /^MEDIUM ERROR 0Ch\/00h/,
          (): unknown => client.write(DATA, 0, Buffer.alloc(1 << 19, 9), 512),
        ],
        [
          { export: 'data', op: 'read', action: 'fail' },
          /^MEDIUM ERROR 11h\/00h/,
          (): unknown => client.read(DATA, 0, 64),
        ],
        [
          { export: 'data', op: 'flush', action: 'fail', error: 'EPERM' },
          /^DATA PROTECT 27h\/00h/,
          (): unknown => client.command(DATA, FLUSH),
        ],
        [
          { export: 'data', op: 'reserve', action: 'fail', error: 'ENOMEM' },
          /^ABORTED COMMAND 55h\/03h/,
          (): unknown => client.reserveOut('RELEASE', keyOf(6)),
        ],
        [
          { export: 'data', op: 'reset', action: 'fail' },
          /^response 255$/,
          async (): Promise<unknown> => ({ outcome: await client.reset() }),
        ],
      ] as const;
      for (const [spec, outcome, act] of rows) {
        const id = await tap.arm(spec);
        assert.match(((await act()) as { outcome: string }).outcome, outcome);
        assert.equal((await rule(tap, id)).outcome, 'error' in spec ? spec.error : 'EIO');
      }
      assert.equal((await client.write(DATA, 5, block(4))).outcome, 'ok');
      assert.equal(await client.holder(), keyOf(6), 'it was not released');
      assertUnbroken(client);
      const written = tap.audit
        .all('write')
        .map(({ offset, outcome, export: name }) => [name, offset, outcome]);
      const name = dataName('a', 6);
      assert.deepEqual(written, [
        [name, 0, 'ENOSPC'],
        [name, 0, 'EIO'],
        [name, 2560, 'ok'],
      ]);
      assert.ok(readFileSync(dir.data).subarray(0, 512).equals(block(0)));
    });

    it('it is dropped: no answer, nothing behind it on its connection, and the answers before it', async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir);
      const client = await tap.into({ digest });
      const id = await tap.arm({ export: 'quorum', op: 'write', nth: 2, action: 'drop' });
      const [before, dropped, behind] = [2, 3, 4].map((fill) => client.write(QUORUM, fill, block(fill)));
      const ping = client.ping(block(1));
      assert.equal((await before!).outcome, 'ok');
      const [, status] = await tap.ask('GET', `/rules/${id}?wait=dropped`);
      assert.equal((status as RuleStatus).outcome, 'not carried out');
      assert.equal((await (await tap.into()).read(QUORUM, 0, 1)).outcome, 'ok');
      client.destroy();
      assert.equal((await dropped!).outcome, 'no answer');
      assert.equal((await behind!).outcome, 'no answer');
      assert.equal((await ping).outcome, 'no answer', 'not even what stands outside of the numbering');
      await tap.audit.line('disconnected', ({ connection }) => connection === 1);
      const area = readFileSync(dir.quorum);
      assert.deepEqual([area[1024], area[1536], area[2048]], [2, 0, 0]);
    });
  });
}

describe('tap: the words of a rule', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('a reservation command and a reset can be held, by the unit and by the owner’s name', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    const reserve = await tap.arm({ export: dataName('a', 6), op: 'reserve', nth: 2, action: 'hold' });
    const taken = obtain(a, 6);
    await tap.holding(reserve);
    assert.deepEqual(tap.audit.all('grant'), []);
    await tap.ask('POST', `/rules/${reserve}/release`);
    assert.deepEqual(await taken, ['ok', 'ok']);
    const reset = await tap.arm({ export: 'data', op: 'reset', action: 'hold' });
    const done = a.reset();
    await tap.holding(reset);
    await tap.ask('DELETE', `/rules/${reset}`);
    assert.equal(await done, 'ok');
  });

  it('an operation or an error that there is not is named', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const refusal = async (spec: object): Promise<unknown> => (await tap.ask('POST', '/rules', spec))[1];
    assert.deepEqual(await refusal({ op: 'trim', action: 'hold' }), {
      error: 'op is "trim"; it must be one of read, write, flush, reserve, reset',
    });
    assert.deepEqual(await refusal({ op: 'read', action: 'fail', error: 'ESHUTDOWN' }), {
      error: 'error is "ESHUTDOWN"; it must be one of EIO, ENOSPC, EPERM, EINVAL, ENOMEM',
    });
  });

  it('a session that is held for is ended by its number, and the storage node stops all the same', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const client = await tap.into();
    const id = await tap.arm({ export: 'quorum', op: 'write', action: 'hold' });
    const held = client.write(QUORUM, 2, block(2));
    await tap.holding(id);
    const { connection } = await tap.audit.line('connected');
    assert.deepEqual(await tap.ask('DELETE', `/connections/${connection}`), [200, {}]);
    assert.equal((await held).outcome, 'no answer');
    await tap.ask('POST', `/rules/${id}/release`);
    assert.equal((await rule(tap, id)).state, 'released');
    const another = await tap.into();
    const again = await tap.arm({ export: 'quorum', op: 'write', action: 'hold' });
    const last = another.write(QUORUM, 2, block(2));
    await tap.holding(again);
    await tap.stop();
    assert.equal((await last).outcome, 'no answer');
    assert.equal(readFileSync(dir.quorum)[1024], 0);
  });
});
