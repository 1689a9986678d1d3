import assert from 'node:assert/strict';
import { encodeInitiatorHeader } from '../../wire/iscsi/initiator-pdu.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { owned, StorageDir } from '../gate.fixture.ts';
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

describe('tap: clients that break the rules', () => {
  before(function () {
    needs(this, 'tgtd', 'tgt');
  });

  const tmf = {
    kind: 'task-management',
    ...about,
    function: 1,
    lun: DATA,
    referencedTag: NO_TAG,
    refCmdSN: 0,
  } as const;
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
    [
      'data with a command that writes none',
      (client) =>
        client.send({
          ...command,
          read: true,
          write: false,
          expectedBytes: 0,
          cdb: read16(0),
          data: block(1),
        }),
      /data with a command that writes none$/,
    ],
    [
      'more data with a command than it has',
      (client) =>
        client.send({
          ...command,
          read: false,
          write: true,
          expectedBytes: 8,
          cdb: read16(0),
          data: block(1),
        }),
      /512 bytes with a command of 8$/,
    ],
    [
      'the same data twice',
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
        const part = {
          kind: 'data-out',
          final: false,
          lun: DATA,
          tag: 77,
          targetTag: NO_TAG,
          expStatSN: 0,
          dataSN: 0,
          offsetBytes: 0,
          data: Buffer.alloc(300),
        } as const;
        client.send(part);
        client.send(part);
      },
      /300 bytes where 212 are missing$/,
    ],
    [
      'data with a task management request',
      (client) => {
        const header = encodeInitiatorHeader(tmf);
        header[7] = 4;
        client.socket.write(Buffer.concat([header, Buffer.alloc(4)]));
      },
      /data with a task-management$/,
    ],
    [
      'an additional header where there is none',
      (client) => {
        const header = encodeInitiatorHeader(tmf);
        header[4] = 1;
        client.socket.write(Buffer.concat([header, Buffer.alloc(4)]));
      },
      /an additional header with a task-management$/,
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
});
