import assert from 'node:assert/strict';
import { once } from 'node:events';
import { owned, StorageDir } from '../gate.fixture.ts';
import { usualPatience } from '../patience.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM } from './raw-initiator.fixture.ts';
import { TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);
const open = { fencing: false };
const MIB = 1 << 20;

async function endedWith(tap: TestTap, what: RegExp): Promise<void> {
  const { reason } = await tap.audit.line('disconnected');
  assert.match(reason, what);
}

describe('tap: clients that are slow', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('one that takes no answers has its questions left unread, and nobody waits for it', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const [greedy, other] = [await tap.into(), await tap.into()];
    greedy.socket.pause();
    const asked = Array.from({ length: 100 }, () => greedy.read(DATA, 0, 2048));
    for (let index = 0; index < 20; index++) {
      assert.equal((await other.write(QUORUM, 2, block(index))).outcome, 'ok');
    }
    const owed = await tap.owedBytes((bytes) => bytes > 32 * MIB);
    assert.ok(owed < 70 * MIB, `${owed} bytes of 100 MiB were asked of tgtd`);
    greedy.socket.resume();
    assert.deepEqual(
      (await Promise.all(asked)).map(({ outcome, data }) => [outcome, data.length]),
      asked.map(() => ['ok', 1 << 20]),
    );
  });

  it('one that takes no answers for too long is ended', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { ...open, patience: { ...usualPatience, moveMs: 50 } });
    const greedy = await tap.into();
    greedy.socket.pause();
    for (let index = 0; index < 100; index++) void greedy.read(DATA, 0, 2048);
    await endedWith(tap, /^the client took no answer for 50 ms$/);
  });

  it('one that stops in the middle of a PDU is ended, and one that is only quiet is not', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { ...open, patience: { ...usualPatience, moveMs: 50 } });
    const [quiet, half] = [await tap.into(), await tap.into()];
    half.socket.write(new Uint8Array(20));
    await endedWith(tap, /^the client sent half a PDU, then nothing for 50 ms$/);
    assert.equal((await quiet.read(QUORUM, 0, 1)).outcome, 'ok');
  });

  it('one that does not log in is ended', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, { patience: { ...usualPatience, negotiateMs: 20 } });
    await tap.connect();
    await endedWith(tap, /^the client did not log in within 20 ms$/);
  });

  it('a command byte by byte is one command', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const client = await tap.into({ digest: true });
    const { write } = client.socket;
    client.socket.write = (bytes: Uint8Array): boolean => {
      for (const byte of bytes) write.call(client.socket, Uint8Array.of(byte));
      return true;
    };
    assert.equal((await client.write(DATA, 0, block(7))).outcome, 'ok');
    client.socket.write = write;
    assert.ok((await client.read(DATA, 0, 1)).data.equals(block(7)));
  });

  it('one that sends no more and still listens gets its answers', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const client = await tap.into();
    client.socket.allowHalfOpen = true;
    const asked = [client.write(DATA, 0, block(7)), client.read(DATA, 0, 2048)];
    client.socket.end();
    assert.deepEqual(
      (await Promise.all(asked)).map(({ outcome }) => outcome),
      ['ok', 'ok'],
    );
    await once(client.socket, 'close');
  });

  it('one that is gone without a word leaves what it had sent to be carried out', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const client = await tap.into();
    for (let index = 0; index < 16; index++) void client.write(DATA, index, block(7));
    client.socket.pause();
    client.socket.end();
    await tap.audit.line('disconnected');
    assert.deepEqual(
      tap.audit.all('write').map(({ outcome }) => outcome),
      Array.from({ length: 16 }, () => 'ok'),
    );
  });
});

describe('tap: what it answers and passes on', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  it('who asks for the targets is told where the tap is', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const curious = await tap.connect();
    await curious.login({ port: 0, discovery: true });
    const answer = await curious.sendTargets();
    assert.equal(answer.kind, 'text');
    const text = Buffer.from((answer as { data: Uint8Array }).data).toString();
    assert.equal(text, `TargetName=iqn.2026-11.example.arbiter:storage\0TargetAddress=${tap.address},1\0`);
  });

  it('a ping comes back as it went', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const client = await tap.into({ digest: true });
    assert.ok((await client.ping(Buffer.from('hello'))).data.equals(Buffer.from('hello')));
  });
});
