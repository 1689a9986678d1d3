import assert from 'node:assert/strict';
import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { IscsiBlockDevice } from './device.ts';
import { HoldingTarget } from './held.fixture.ts';
import { ended } from './scripted-target.fixture.ts';
import { deviceIdentification } from './unit-data.fixture.ts';

const long = 5000;
const short = 400;
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

function opened(holding: HoldingTarget): Promise<IscsiBlockDevice> {
  return IscsiBlockDevice.open({ address: holding.target.address() }, long);
}

describe('the iSCSI block device', function () {
  this.timeout(20_000);

  it('writes a sector by one command with forced unit access and all of its data', async () => {
    await using holding = await HoldingTarget.listen();
    await using device = await opened(holding);
    const write = device.writeDurably(1024, sector(7), long);
    const { request, talk } = await holding.next();
    assert.equal(Buffer.from(request.cdb).toString('hex'), '8a080000000000000002000000010000');
    assert.deepEqual(Buffer.from(request.data), Buffer.from(sector(7)));
    talk.status(request, 0);
    await write;
    assert.equal(holding.target.count(OPERATION.SYNCHRONIZE_CACHE_16), 0);
  });

  it('never sends a write twice, whatever becomes of its session', async () => {
    await using holding = await HoldingTarget.listen();
    await using device = await opened(holding);
    for (const [end, text] of [
      ['drop', /: write of 512 bytes at 0 was not answered: session lost: /],
      ['silence', /: write of 512 bytes at 0 was not answered within \d+ ms$/],
    ] as const) {
      const write = device.writeDurably(0, sector(1), short);
      const { talk } = await holding.next();
      if (end === 'drop') talk.socket.destroy();
      await assert.rejects(write, (error: Error) => {
        assert.ok(error instanceof OutcomeUnknown, String(error));
        assert.match(error.message, text);
        return true;
      });
      await ended(talk);
    }
    const next = device.read(0, 512, long);
    const { request, talk } = await holding.next();
    talk.data(request, sector(0));
    await next;
    assert.equal(holding.target.count(OPERATION.WRITE_16), 2);
    assert.equal(holding.untaken, 0);
  });

  it('makes a lost session anew with the next request, for all that come meanwhile, under an ISID of its own', async () => {
    const isids: string[] = [];
    await using holding = await HoldingTarget.listen({
      login: ({ isid, currentStage }) => {
        if (currentStage === 1) isids.push(Buffer.from(isid).toString('hex'));
        return false;
      },
    });
    await using device = await opened(holding);
    const lost = device.read(0, 512, long);
    (await holding.next()).talk.socket.destroy();
    await assert.rejects(lost, OutcomeUnknown);
    const reads = [0, 1, 2].map((index) => device.read(index * 512, 512, long));
    for (const { request, talk } of await holding.several(3)) talk.data(request, sector(request.cdb[9]!));
    assert.deepEqual(
      (await Promise.all(reads)).map((bytes) => bytes[0]),
      [0, 1, 2],
    );
    assert.equal(holding.target.connections.length, 2);
    assert.equal(new Set(isids).size, 2);
    assert.ok(isids.every((isid) => isid.startsWith('80')));
  });

  it('takes no other unit for its own that is behind the same address after a lost session', async () => {
    let naa: string | undefined = '5000000000000001';
    await using holding = await HoldingTarget.listen({
      command: (request, talk) => {
        if (request.cdb[0] !== OPERATION.INQUIRY || request.cdb[2] !== 0x83 || naa === undefined)
          return false;
        talk.data(request, deviceIdentification(naa));
        return true;
      },
    });
    await using device = await opened(holding);
    const lost = device.read(0, 512, long);
    (await holding.next()).talk.socket.destroy();
    await assert.rejects(lost, OutcomeUnknown);
    for (const [other, shown] of [
      ['5000000000000002', '3:5000000000000002'],
      [undefined, 'one without a name'],
    ] as const) {
      naa = other;
      const message = `${device.name}: another unit than before is there: ${shown} instead of 3:5000000000000001 (INQUIRY page 83); when that is meant, start this anew; write of 512 bytes at 0 was not sent`;
      await assert.rejects(device.writeDurably(0, sector(1), long), {
        code: 'ENOTCONN',
        effect: 'none',
        message,
      });
    }
    naa = '5000000000000001';
    const read = device.read(0, 512, long);
    const { request, talk } = await holding.next();
    talk.data(request, sector(4));
    assert.equal((await read)[0], 4);
  });

  it('has no effect with a write that finds no target, and says so', async () => {
    const holding = await HoldingTarget.listen();
    await using device = await opened(holding);
    await holding[Symbol.asyncDispose]();
    const lost = device.read(0, 512, long).catch(() => undefined);
    await lost;
    await assert.rejects(device.writeDurably(0, sector(1), long), (error: Error) => {
      assert.ok(error instanceof RequestFailed);
      assert.deepEqual([error.code, error.effect], ['ENOTCONN', 'none']);
      assert.match(error.message, /: not connected: .*ECONNREFUSED.*; write of 512 bytes at 0 was not sent$/);
      return true;
    });
  });

  it('has no effect with a write that finds a target which does not let it in', async () => {
    await using holding = await HoldingTarget.listen();
    await using device = await opened(holding);
    const lost = device.read(0, 512, long);
    (await holding.next()).talk.socket.destroy();
    await assert.rejects(lost, OutcomeUnknown);
    holding.target.script.login = (request, talk) => {
      talk.loginResponse(request, [], { transit: false, statusClass: 2, statusDetail: 1 });
      return true;
    };
    await assert.rejects(device.writeDurably(0, sector(1), long), {
      code: 'ENOTCONN',
      effect: 'none',
      message: /authentication failed.*; write of 512 bytes at 0 was not sent$/,
    });
    assert.equal(holding.target.count(OPERATION.WRITE_16), 0);
  });

  it('takes what a whole number of blocks within the unit is, and sends nothing else', async () => {
    await using holding = await HoldingTarget.listen();
    await using device = await opened(holding);
    // prettier-ignore
    const refused: readonly [offset: number, length: number, why: string][] = [
      [ 256,   512,  'offset and length must be multiples of 512' ],
      [ 0,     100,  'offset and length must be multiples of 512' ],
      [ 65536, 512,  'the device has 65536 bytes' ],
      [ -512,  512,  'an offset is a whole number from 0 up' ],
      [ 0,     0,    'a length is a whole number from 1 up' ],
    ];
    for (const [offset, length, why] of refused) {
      const message = `${device.name}: read of ${length} bytes at ${offset} was not sent: ${why}`;
      await assert.rejects(device.read(offset, length, long), { code: 'EINVAL', effect: 'none', message });
    }
    await assert.rejects(device.writeDurably(256, sector(0), long), { code: 'EINVAL', effect: 'none' });
    assert.equal(holding.untaken, 0);
  });

  it('has so many requests under way and no more', async () => {
    await using holding = await HoldingTarget.listen({
      login: (request, talk) => ((talk.window = 8), talk.loginResponse(request, []), true),
    });
    await using device = await opened(holding);
    const reads = Array.from({ length: 4096 }, () => device.read(0, 512, long));
    await assert.rejects(device.read(0, 512, long), {
      code: 'EBUSY',
      effect: 'none',
      message: `${device.name}: read of 512 bytes at 0 was not sent: 4096 requests are under way already`,
    });
    for (let answered = 0; answered < reads.length; answered += 1) {
      const { request, talk } = await holding.next();
      talk.data(request, sector(1));
    }
    await Promise.all(reads);
  });

  it('is closed for good, and logs out', async () => {
    const heard: string[] = [];
    await using holding = await HoldingTarget.listen({ other: (pdu) => (heard.push(pdu.kind), false) });
    const device = await opened(holding);
    await device[Symbol.asyncDispose]();
    assert.deepEqual(heard, ['logout']);
    await assert.rejects(device.read(0, 512, long), {
      code: 'ENOTCONN',
      message: `${device.name}: not connected: the device was closed; read of 512 bytes at 0 was not sent`,
    });
    assert.equal(holding.target.connections.length, 1);
  });
});
