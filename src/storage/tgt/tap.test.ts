import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dataName, owned, StorageDir } from '../gate.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM } from './raw-initiator.fixture.ts';
import { keyOf, obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

/** In the place of what is another with every line. */
const UNSTAMPED = { v: 1, t: 0, n: 0 };

describe('tap: what the audit tells', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('an owner takes the unit and writes: grant, drained, admitted, write, in this order', async () => {
    using dir = new StorageDir(512, owned('b', 7));
    await using tap = await TestTap.start(dir);
    const b = await tap.owner('b', 7);
    assert.deepEqual(await obtain(b, 7), ['ok', 'ok']);
    assert.equal(await b.holder(), keyOf(7));
    assert.equal((await b.write(DATA, 3, block(9))).outcome, 'ok');
    const owner = { node: 'b', epoch: 7, incarnation: 'aaaaaaaa' };
    const who = { connection: 1, peer: '127.0.0.1', export: dataName('b', 7) };
    const [grant, admitted, write] = ['grant', 'admitted', 'write'].map((event) => {
      return { ...tap.audit.lines.find((line) => line.event === event)!, ...UNSTAMPED };
    });
    assert.deepEqual(grant, { ...UNSTAMPED, event: 'grant', ...owner, previousEpoch: 0 });
    assert.deepEqual(admitted, { ...UNSTAMPED, event: 'admitted', ...who, ...owner });
    const { beganAt, ...wrote } = write as { beganAt: number };
    assert.ok(beganAt > 0 && beganAt <= tap.audit.all('write')[0]!.t);
    assert.deepEqual(wrote, {
      ...UNSTAMPED,
      event: 'write',
      ...who,
      ...owner,
      offset: 1536,
      length: 512,
      outcome: 'ok',
      fua: true,
    });
    // prettier-ignore
    assert.deepEqual(tap.audit.events, [
      'gate-started', 'connected', 'reservation', 'reservation', 'grant', 'drained', 'admitted', 'write',
    ]);
    assert.ok(readFileSync(dir.data).subarray(1536, 2048).equals(block(9)));
  });

  it('a newer owner preempts: the former one’s writes are refused, and nothing of it comes after the drain', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const a = await tap.owner('a', 6);
    await obtain(a, 6);
    const writes = Array.from({ length: 8 }, (_, index) => a.write(DATA, index, block(1)));
    await tap.own(owned('b', 7));
    const b = await tap.owner('b', 7);
    assert.deepEqual(await obtain(b, 7, keyOf(6)), ['ok', 'ok', 'ok']);
    assert.equal(await b.holder(), keyOf(7));
    const late = [
      await a.write(DATA, 20, block(1)),
      await a.write(DATA, 20, block(1)),
      await a.write(DATA, 20, block(1)),
    ];
    assert.match(late[0]!.outcome, /^UNIT ATTENTION/, 'it is told once');
    assert.equal(late.at(-1)!.outcome, 'RESERVATION CONFLICT');
    await Promise.all(writes);
    const at = (event: string): number => tap.audit.lines.findLastIndex((line) => line.event === event);
    assert.ok(at('grant') < at('drained') && at('drained') < at('admitted'));
    assert.ok(at('write') < at('drained'), 'what was under way is on record before');
    const refused = tap.audit.all('write-refused').map(({ node, epoch, offset, lastGranted }) => {
      return { node, epoch, offset, lastGranted };
    });
    assert.deepEqual(refused.at(-1), { node: 'a', epoch: 6, offset: 20 * 512, lastGranted: 7 });
    assert.ok(
      readFileSync(dir.data)
        .subarray(20 * 512, 21 * 512)
        .equals(block(0)),
    );
  });

  it('a write of the record is told with what it says, and one without as bytes alone', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    await tap.own(owned('b', 7));
    const other = await tap.into({ alias: 'quorum' });
    await other.write(QUORUM, 5, block(4));
    const told = tap.audit.all('quorum-write').map(({ offset, length, outcome, record }) => {
      return { offset, length, outcome, record };
    });
    assert.deepEqual(told, [
      { offset: 512, length: 512, outcome: 'ok', record: { status: 1, node: 'b', epoch: 7, count: 1 } },
      { offset: 2560, length: 512, outcome: 'ok', record: null },
    ]);
  });

  it('a login that the target refuses is told with the name that it gave', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const stranger = await tap.connect();
    const answer = await stranger.login({ port: 0, target: 'iqn.x:y', alias: dataName('a', 6) });
    assert.equal(answer.kind === 'login' && answer.statusClass, 2);
    const refused = await tap.audit.line('refused');
    assert.deepEqual([refused.export, refused.node, refused.epoch], [dataName('a', 6), 'a', 6]);
  });
});
