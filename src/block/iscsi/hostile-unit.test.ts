import assert from 'node:assert/strict';
import { DeviceUnusable, RequestFailed } from '../../ports/block-device.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { IscsiBlockDevice } from './device.ts';
import { type CommandPdu, type Conversation, ScriptedTarget } from './scripted-target.fixture.ts';
import { IscsiUnit } from './unit.ts';
import { capacity, fixedSense, modeHeader, standardInquiry } from './unit-data.fixture.ts';

const long = 5000;

/** A target that deals with the commands of this operation code as `then` says. */
async function answering(
  operation: number,
  then: (request: CommandPdu, talk: Conversation) => void,
): Promise<ScriptedTarget> {
  return ScriptedTarget.listen({
    command: (request, talk) => {
      if (request.cdb[0] !== operation) return false;
      then(request, talk);
      return true;
    },
  });
}

function open(target: ScriptedTarget): Promise<IscsiBlockDevice> {
  return IscsiBlockDevice.open({ address: target.address() }, long);
}

const { INQUIRY, SERVICE_ACTION_IN_16: CAPACITY, MODE_SENSE_6, TEST_UNIT_READY } = OPERATION;

// prettier-ignore
const refused: readonly [title: string, operation: number, then: (request: CommandPdu, talk: Conversation) => void, text: RegExp][] = [
  ['is not there', INQUIRY, (request, talk) => talk.data(request, standardInquiry({ qualifier: 3, deviceType: 0x1f })), /: the target has no unit 1; and it does not say which it has$/],
  ['is a tape', INQUIRY, (request, talk) => talk.data(request, standardInquiry({ deviceType: 1 })), /: unit 1 is no disk, but a device of type 0x01$/],
  ['says less than who it is', INQUIRY, (request, talk) => talk.data(request, standardInquiry().subarray(0, 20)), /: INQUIRY returned too little: /],
  ['has blocks of no bytes', CAPACITY, (request, talk) => talk.data(request, capacity(128, 0)), /: READ CAPACITY\(16\) returned 128 blocks of 0 bytes$/],
  ['is larger than any disk', CAPACITY, (request, talk) => talk.data(request, capacity(1n << 63n, 512)), /: READ CAPACITY\(16\) returned 9223372036854775808 blocks of 512 bytes$/],
  ['has half a capacity', CAPACITY, (request, talk) => talk.data(request, capacity(128, 512).subarray(0, 10)), /: READ CAPACITY\(16\) returned too little: /],
  ['has no mode', MODE_SENSE_6, (request, talk) => talk.data(request, new Uint8Array(2)), /: MODE SENSE\(6\) returned too little: /],
];

describe('a unit of an iSCSI target that', function () {
  this.timeout(20_000);

  for (const [title, operation, then, text] of refused) {
    it(`${title} cannot be used, and that is said`, async () => {
      await using target = await answering(operation, then);
      await assert.rejects(open(target), (error: Error) => {
        assert.ok(error instanceof DeviceUnusable, String(error));
        assert.match(error.message, text);
        return true;
      });
    });
  }

  it('is not there is told with those that are', async () => {
    const list = Buffer.alloc(24);
    list[3] = 16;
    list[9] = 2;
    list[17] = 3;
    await using target = await ScriptedTarget.listen({
      command: (request, talk) => {
        if (request.cdb[0] === INQUIRY) talk.data(request, standardInquiry({ qualifier: 1 }));
        else talk.data(request, list);
        return true;
      },
    });
    await assert.rejects(open(target), /: the target has no unit 1; it has 2, 3$/);
  });

  it('is not ready, or reserved, may be of use later', async () => {
    for (const [status, sense, code] of [
      [
        2,
        fixedSense(2, 4, 1),
        /: TEST UNIT READY failed with NOT READY 04h\/01h \(becoming ready\), before it was of use$/,
      ],
      [
        0x18,
        undefined,
        /: TEST UNIT READY failed with RESERVATION CONFLICT: somebody else holds a reservation, as on the data area of a cluster$/,
      ],
      [
        2,
        undefined,
        /: TEST UNIT READY failed with CHECK CONDITION without sense data, before it was of use$/,
      ],
    ] as const) {
      await using target = await answering(TEST_UNIT_READY, (request, talk) =>
        talk.status(request, status, sense),
      );
      await assert.rejects(open(target), (error: Error) => {
        assert.ok(error instanceof RequestFailed);
        assert.equal(error.code, 'ENOTCONN');
        assert.match(error.message, code);
        return true;
      });
    }
  });

  it('has things to tell tells them before the first request, and not for ever', async () => {
    let told = 0;
    await using target = await answering(TEST_UNIT_READY, (request, talk) => {
      told += 1;
      if (told <= 3) talk.status(request, 2, fixedSense(6, 0x29));
      else talk.status(request, 0);
    });
    await using device = await open(target);
    assert.equal(told, 4);
    assert.equal(device.sizeBytes, 65536);
    told = -1000;
    await assert.rejects(open(target), /UNIT ATTENTION 29h\/00h/);
  });

  it('does not know the longer commands is asked by the shorter ones', async () => {
    await using target = await ScriptedTarget.listen({
      command: (request, talk) => {
        const [operation] = request.cdb;
        if (operation === CAPACITY || operation === MODE_SENSE_6)
          talk.status(request, 2, fixedSense(5, 0x20));
        else if (operation === OPERATION.READ_CAPACITY_10)
          talk.data(request, Buffer.from('0000007f00000200', 'hex'));
        else return false;
        return true;
      },
    });
    await using device = await open(target);
    assert.deepEqual([device.sizeBytes, device.durability, device.readOnly], [65536, 'flush', false]);
  });

  for (const [title, mode, durability, commands] of [
    ['takes forced unit access', modeHeader({ fua: true, cache: true }), 'fua', ['WRITE(16) with FUA']],
    ['has no cache', modeHeader({ cache: false }), 'write-through', ['WRITE(16)']],
    ['has a cache alone', modeHeader({ cache: true }), 'flush', ['WRITE(16)', 'SYNCHRONIZE CACHE(16)']],
    ['says nothing of a cache', modeHeader(), 'flush', ['WRITE(16)', 'SYNCHRONIZE CACHE(16)']],
  ] as const) {
    it(`${title} is written to by ${commands.join(' and ')}`, async () => {
      const came: string[] = [];
      await using target = await ScriptedTarget.listen({
        command: (request, talk) => {
          const fua = (request.cdb[1]! & 8) !== 0 ? ' with FUA' : '';
          if (request.cdb[0] === OPERATION.WRITE_16) came.push(`WRITE(16)${fua}`);
          if (request.cdb[0] === OPERATION.SYNCHRONIZE_CACHE_16) came.push('SYNCHRONIZE CACHE(16)');
          if (request.cdb[0] !== MODE_SENSE_6) return false;
          talk.data(request, mode);
          return true;
        },
      });
      await using device = await open(target);
      assert.equal(device.durability, durability);
      await device.writeDurably(512, new Uint8Array(512).fill(7), long);
      assert.deepEqual(came, commands);
      assert.equal(target.disk[512], 7);
    });
  }

  it('is write-protected is read-only, and no write is sent to it', async () => {
    await using target = await answering(MODE_SENSE_6, (request, talk) =>
      talk.data(request, modeHeader({ writeProtected: true })),
    );
    await using device = await open(target);
    assert.equal(device.readOnly, true);
    await assert.rejects(device.writeDurably(0, new Uint8Array(512), long), {
      name: 'RequestFailed',
      code: 'EPERM',
      effect: 'none',
      message: /: write of 512 bytes at 0 was not sent: the unit is write-protected$/,
    });
    assert.equal(target.count(OPERATION.WRITE_16), 0);
    assert.equal((await device.read(0, 512, long)).length, 512);
  });

  it('has become smaller while its session was lost takes no request beyond its end', async () => {
    let blocks = 128;
    await using target = await answering(CAPACITY, (request, talk) =>
      talk.data(request, capacity(blocks, 512)),
    );
    await using device = await open(target);
    blocks = 64;
    const { script } = target;
    target.script = { command: (_, talk) => (talk.socket.destroy(), true) };
    await assert.rejects(device.read(0, 512, long), { name: 'OutcomeUnknown' });
    target.script = script;
    await assert.rejects(device.writeDurably(32768, new Uint8Array(512), long), {
      code: 'EINVAL',
      effect: 'none',
      message: /: write of 512 bytes at 32768 was not sent: the device has 32768 bytes$/,
    });
    assert.equal(device.sizeBytes, 32768);
    assert.equal(target.count(OPERATION.WRITE_16), 0);
  });
});

describe('the name of a unit of an iSCSI target', () => {
  it('is read whole where its page is longer than 255 bytes, as with the names of ports and target in it', async () => {
    const own = Buffer.from('01030010' + '60'.repeat(16), 'hex');
    const port = Buffer.concat([Buffer.from([0x53, 0x98, 0, 240]), Buffer.alloc(240, 'iqn.2026-11.example')]);
    const page = Buffer.concat([Buffer.from([0, 0x83, 0, 0]), port, own]);
    page.writeUInt16BE(page.length - 4, 2);
    await using target = await answering(INQUIRY, (request, talk) => {
      // As the allocation length says, like every device server (SPC-4, 4.2.5.6).
      talk.data(request, page.subarray(0, Buffer.from(request.cdb).readUInt16BE(3)));
    });
    await using unit = await IscsiUnit.open({ address: target.address() }, long);
    assert.equal(await unit.identity(long), `3:${'60'.repeat(16)}`);
  });
});
