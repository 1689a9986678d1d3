import assert from 'node:assert/strict';
import { once } from 'node:events';
import { encodeInitiatorHeader } from '../../wire/iscsi/initiator-pdu.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { owned, StorageDir } from '../gate.fixture.ts';
import { usualPatience } from '../patience.ts';
import { needs } from './needs.fixture.ts';
import { DATA, QUORUM, type RawInitiator } from './raw-initiator.fixture.ts';
import { TestTap } from './tap.fixture.ts';

const block = (fill: number): Buffer => Buffer.alloc(512, fill);
const NO_TAG = 0xffff_ffff;
const open = { fencing: false };
const about = { immediate: false, tag: 77, cmdSN: 1, expStatSN: 0 };
const command = { kind: 'command', ...about, final: true, attribute: 1, lun: DATA } as const;
const nothing = new Uint8Array(0);

function read16(blocks: number): Uint8Array {
  const cdb = Buffer.alloc(16);
  cdb[0] = OPERATION.READ_16;
  cdb.writeUInt32BE(blocks, 10);
  return cdb;
}

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
    const asked = Array.from({ length: 200 }, () => greedy.read(DATA, 0, 2048));
    for (let index = 0; index < 20; index++) {
      assert.equal((await other.write(QUORUM, 2, block(index))).outcome, 'ok');
    }
    const [, status] = await tap.ask('GET', '/status');
    const [{ requestsInFlight }] = (status as { connections: [{ requestsInFlight: number }] }).connections;
    assert.ok(requestsInFlight < 200, `${requestsInFlight} of 200 MiB were asked of tgtd`);
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
    await new Promise<void>((resolve) => void client.socket.write(new Uint8Array(0), () => resolve()));
    client.socket.end();
    client.socket.destroySoon();
    await tap.audit.line('disconnected');
    assert.deepEqual(
      tap.audit.all('write').map(({ outcome }) => outcome),
      Array.from({ length: 16 }, () => 'ok'),
    );
  });
});

describe('tap: clients that break the rules', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  const rows: readonly [what: string, send: (client: RawInitiator) => void, why: RegExp][] = [
    [
      'a command that wants 4 GiB',
      (client) =>
        client.send({
          ...command,
          read: true,
          write: false,
          expectedBytes: 0xffff_fe00,
          cdb: read16(8),
          data: nothing,
        }),
      /a command of 4294966784 bytes; at most 33554432 are taken$/,
    ],
    [
      'data past the end of its command',
      (client) => {
        client.send({
          ...command,
          final: false,
          read: false,
          write: true,
          expectedBytes: 512,
          cdb: Uint8Array.of(OPERATION.WRITE_10, ...new Uint8Array(15)),
          data: nothing,
        });
        client.send({
          kind: 'data-out',
          final: true,
          lun: DATA,
          tag: 77,
          targetTag: NO_TAG,
          expStatSN: 0,
          dataSN: 0,
          offsetBytes: 0x7fff_0000,
          data: block(1),
        });
      },
      /data up to byte 2147418624 of a command of 512$/,
    ],
    [
      'data of no command',
      (client) =>
        client.send({
          kind: 'data-out',
          final: true,
          lun: DATA,
          tag: 5000,
          targetTag: NO_TAG,
          expStatSN: 0,
          dataSN: 0,
          offsetBytes: 0,
          data: block(1),
        }),
      /data of a command that is not under way$/,
    ],
    [
      'a segment that is too long',
      (client) =>
        client.send({ kind: 'nop-out', ...about, lun: 0, targetTag: NO_TAG, data: Buffer.alloc(262_148) }),
      /a data segment of 262148 bytes in a NOP-Out; at most 262144 are taken$/,
    ],
    ['a second login', (client) => void client.login({ port: 0 }), /a login after its login$/],
    [
      'what no initiator sends',
      (client) => client.socket.write(Uint8Array.of(0x21, 0x80, ...new Uint8Array(46))),
      /an opcode of 33, which no initiator has$/,
    ],
  ];
  for (const [what, send, why] of rows) {
    it(`${what} ends the connection, and no other`, async () => {
      using dir = new StorageDir(512, owned('a', 6));
      await using tap = await TestTap.start(dir, open);
      const [client, other] = [await tap.into(), await tap.into()];
      send(client);
      await endedWith(tap, new RegExp(`^protocol error: the client sent .*${why.source}`));
      assert.equal((await other.read(QUORUM, 0, 1)).outcome, 'ok');
      assert.deepEqual(tap.audit.all('server-ended'), []);
    });
  }

  it('a tag a second time ends the connection', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const client = await tap.into();
    const header = encodeInitiatorHeader({
      ...command,
      final: false,
      read: false,
      write: true,
      expectedBytes: 512,
      cdb: Uint8Array.of(OPERATION.WRITE_10, ...new Uint8Array(15)),
      data: nothing,
    });
    client.socket.write(Buffer.concat([header, header]));
    await endedWith(tap, /task tag 77 a second time$/);
  });

  it('a wrong digest ends the connection and is not passed on', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const client = await tap.into({ digest: true });
    client.digests = { header: true, data: false };
    void client.write(DATA, 0, block(9));
    client.digests = { header: true, data: true };
    client.socket.write(Uint8Array.of(1, 2, 3, 4));
    await endedWith(tap, /SCSI Command with the data digest 01020304/);
    assert.deepEqual(tap.audit.all('write'), []);
  });

  it('something else than a login, and a command in a discovery session, end it', async () => {
    using dir = new StorageDir(512, owned('a', 6));
    await using tap = await TestTap.start(dir, open);
    const early = await tap.connect();
    void early.read(DATA, 0, 1);
    await endedWith(tap, /something else than a login$/);
    const curious = await tap.connect();
    await curious.login({ port: 0, discovery: true });
    void curious.read(DATA, 0, 1);
    await tap.audit.line('disconnected', ({ reason }) => reason.endsWith('a session that is for discovery'));
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
