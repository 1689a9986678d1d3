import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { owned, StorageDir } from '../gate.fixture.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM } from './raw-initiator.fixture.ts';
import { obtain, TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);

async function endedWith(tap: TestTap, what: RegExp): Promise<void> {
  const { reason } = await tap.audit.line('disconnected', ({ reason: why }) => why.startsWith('protocol'));
  assert.match(reason, what);
}

describe('tap: logins that tgtd would take otherwise than the tap', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('a session of two types does not get as far as tgtd, which would end at its first command', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const other = await tap.into();
    const client = await tap.connect();
    await client.login({ port: 0, discovery: true, more: ['SessionType=Normal'] });
    void client.read(QUORUM, 0, 1);
    await endedWith(tap, /two values of SessionType$/);
    assert.equal((await other.read(QUORUM, 0, 1)).outcome, 'ok');
    assert.deepEqual(tap.audit.all('server-ended'), []);
  });

  it('a second connection of the owner’s session, which could write with its reservation, is not let in', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir);
    const owner = await tap.owner('a', 6);
    await obtain(owner, 6);
    const second = await tap.connect();
    const answer = await second.login({ port: 0, joins: owner.session });
    if (answer.kind === 'login') void second.write(DATA, 0, block(9));
    await endedWith(tap, /a login that is to join session \d+; a session has one connection here$/);
    assert.ok(readFileSync(dir.data).every((byte) => byte === 0));
    assert.equal((await owner.write(DATA, 0, block(7))).outcome, 'ok');
  });
});
