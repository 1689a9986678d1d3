import assert from 'node:assert/strict';
import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { OPERATION } from '../../wire/scsi/operation.ts';
import { pour, pouredBytes } from '../nbd/hostile.fixture.ts';
import { IscsiBlockDevice } from './device.ts';
import {
  type CommandPdu,
  type Conversation,
  ended,
  type Script,
  ScriptedTarget,
} from './scripted-target.fixture.ts';
import { fixedSense } from './unit-data.fixture.ts';

const long = 5000;
const sector = new Uint8Array(512).fill(7);

/** The device, and what the target does with reads and writes from here on. */
async function opened(
  then: (request: CommandPdu, talk: Conversation) => void,
  before: Script = {},
): Promise<{ target: ScriptedTarget; device: IscsiBlockDevice } & AsyncDisposable> {
  const target = await ScriptedTarget.listen(before);
  const address = target.address();
  const device = await IscsiBlockDevice.open({ address }, long);
  target.script = {
    command: (request, talk) => {
      if (request.cdb[0] !== OPERATION.READ_16 && request.cdb[0] !== OPERATION.WRITE_16) return false;
      then(request, talk);
      return true;
    },
  };
  return {
    target,
    device,
    [Symbol.asyncDispose]: async () => {
      await device[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

// What makes no sense ends the session; what was asked for has an unknown outcome, and says what was wrong.
// prettier-ignore
const broken: readonly [title: string, then: (request: CommandPdu, talk: Conversation) => void, text: RegExp][] = [
  ['a wrong DataSN', (request, talk) => talk.data(request, sector, { dataSN: 3 }), /DataSN 3/],
  ['data at a wrong place', (request, talk) => talk.data(request, sector, { offsetBytes: 4 }), /data from 4 on/],
  ['more data than it was asked for', (request, talk) => talk.data({ ...request, expectedBytes: 1024 }, new Uint8Array(1024)), /1024/],
  ['less data without a residual', (request, talk) => talk.data({ ...request, expectedBytes: 100 }, new Uint8Array(100)), /100/],
  ['data for nobody', (request, talk) => talk.data({ ...request, tag: 0x1234 }, sector), /0x1234/],
  ['a request for data of a read', ({ tag, lun }, talk) => talk.say({ kind: 'r2t', lun, tag, targetTag: 1, r2tSN: 0, offsetBytes: 0, lengthBytes: 512 }), /R2T/],
  ['a PDU of 16 MiB', (_, talk) => void talk.socket.write(Buffer.concat([Buffer.from('2500000000ffffff', 'hex'), Buffer.alloc(40)])), /16777215/],
  ['an initiator\'s own PDU', (_, talk) => void talk.socket.write(Buffer.concat([Buffer.from([0x01, 0x80]), Buffer.alloc(46)])), /SCSI Command|opcode/],
  ['a StatSN out of turn', (request, talk) => talk.data(request, sector, { statSN: 1000 }), /StatSN/],
  ['a login response', ({ tag }, talk) => talk.say({ kind: 'login', tag, transit: true, continued: false, currentStage: 1, nextStage: 3, versionMax: 0, versionActive: 0, isid: new Uint8Array(6), tsih: 1, statusClass: 0, statusDetail: 0, data: new Uint8Array() }), /Login Response/],
];

describe('a target that answers a read with', function () {
  this.timeout(20_000);

  for (const [title, then, text] of broken) {
    it(`${title} loses the session, and the next request has another one`, async () => {
      await using it = await opened(then);
      const { target, device } = it;
      await assert.rejects(device.read(0, 512, long), (error: Error) => {
        assert.ok(error instanceof OutcomeUnknown, String(error));
        assert.match(
          error.message,
          /: read of 512 bytes at 0 was not answered: session lost: full-feature phase: /,
        );
        assert.match(error.message, text);
        return true;
      });
      await ended(target.connections[0]!);
      target.script = {};
      assert.equal((await device.read(0, 512, long)).length, 512);
      assert.equal(target.connections.length, 2);
    });
  }

  for (const [which, digests, text] of [
    ['header', { header: true, data: false }, /header digest/],
    ['data', { header: false, data: true }, /data digest/],
  ] as const) {
    it(`a wrong ${which} digest loses the session`, async () => {
      const keys = which === 'header' ? ['HeaderDigest=CRC32C'] : ['DataDigest=CRC32C'];
      await using target = await ScriptedTarget.listen({
        login: (request, talk) => {
          talk.loginResponse(request, request.currentStage === 1 ? keys : []);
          if (request.currentStage === 1) talk.digests = digests;
          return true;
        },
        command: (request, talk) => {
          if (request.cdb[0] !== OPERATION.READ_16) return false;
          const pieces = talk.encode({
            ...{ kind: 'data-in', final: true, acknowledge: false, hasStatus: true, status: 0, lun: 1 },
            ...{ tag: request.tag, targetTag: 0xffff_ffff, dataSN: 0, offsetBytes: 0, data: sector },
            residual: { kind: 'none', bytes: 0 },
          });
          // The digest is the last four bytes of the header's part, or of everything.
          pieces[which === 'header' ? 1 : pieces.length - 1]![0]! ^= 0x10;
          for (const piece of pieces) talk.socket.write(piece);
          return true;
        },
      });
      const address = target.address(
        which === 'header' ? { headerDigest: 'crc32c' } : { dataDigest: 'crc32c' },
      );
      await using device = await IscsiBlockDevice.open({ address }, long);
      await assert.rejects(device.read(0, 512, long), (error: Error) => {
        assert.ok(error instanceof OutcomeUnknown);
        assert.match(error.message, text);
        return true;
      });
    });
  }

  it('an endless stream is left, with bounded memory', async () => {
    let poured: Promise<number> | undefined;
    await using it = await opened((_, talk) => {
      poured = pour(talk.socket, Buffer.concat([Buffer.from('2500000000fffff0', 'hex'), Buffer.alloc(40)]));
    });
    await assert.rejects(it.device.read(0, 512, long), OutcomeUnknown);
    assert.ok((await poured!) < pouredBytes);
  });

  it('fewer bytes, and says so, has failed', async () => {
    await using it = await opened((request, talk) => talk.data(request, sector.subarray(0, 100)));
    await assert.rejects(it.device.read(0, 512, long), {
      name: 'RequestFailed',
      code: 'EIO',
      message: /: read of 512 bytes at 0 returned 100 bytes$/,
    });
    assert.equal(it.target.connections.length, 1);
  });

  it('UNIT ATTENTION is asked once more, and no more than that', async () => {
    let attentions = 1;
    await using it = await opened((request, talk) => {
      attentions -= 1;
      if (attentions >= 0) talk.status(request, 2, fixedSense(6, 0x2a, 9));
      else talk.data(request, sector);
    });
    assert.deepEqual(await it.device.read(0, 512, long), sector);
    attentions = 2;
    await assert.rejects(it.device.read(0, 512, long), {
      name: 'RequestFailed',
      code: 'UNIT ATTENTION 2A/09',
      message: /: read of 512 bytes at 0 failed with UNIT ATTENTION 2Ah\/09h \(capacity data has changed\)$/,
    });
  });
});

// prettier-ignore
const failures: readonly [title: string, then: (request: CommandPdu, talk: Conversation) => void, code: string, text: RegExp][] = [
  ['RESERVATION CONFLICT', (request, talk) => talk.status(request, 0x18), 'RESERVATION CONFLICT', /failed with RESERVATION CONFLICT$/],
  ['BUSY', (request, talk) => talk.status(request, 0x08), 'BUSY', /failed with BUSY$/],
  ['UNIT ATTENTION', (request, talk) => talk.status(request, 2, fixedSense(6, 0x29)), 'UNIT ATTENTION 29/00', /failed with UNIT ATTENTION 29h\/00h/],
  ['DATA PROTECT', (request, talk) => talk.status(request, 2, fixedSense(7, 0x27)), 'DATA PROTECT 27/00', /failed with DATA PROTECT 27h\/00h \(write protected\)$/],
  ['MEDIUM ERROR', (request, talk) => talk.status(request, 2, fixedSense(3, 0x0c)), 'MEDIUM ERROR 0C/00', /failed with MEDIUM ERROR 0Ch\/00h \(write error\)$/],
  ['what the last write recovered from', (request, talk) => { const sense = fixedSense(1, 0x17, 1); sense[0] = 0x71; talk.status(request, 2, sense); }, 'deferred RECOVERED ERROR 17/01', /failed with deferred RECOVERED ERROR/],
  ['an error of the last write', (request, talk) => { const sense = fixedSense(3, 0x0c); sense[0] = 0x71; talk.status(request, 2, sense); }, 'deferred MEDIUM ERROR 0C/00', /failed with deferred MEDIUM ERROR/],
  ['sense data of no format', (request, talk) => talk.status(request, 2, new Uint8Array(18)), 'CHECK CONDITION without sense data', /without sense data$/],
  ['a status of its own', (request, talk) => talk.status(request, 0x7e), 'status 7Eh', /failed with status 7Eh$/],
  ['GOOD, and a part of it taken', (request, talk) => talk.status(request, 0, undefined, { residual: { kind: 'underflow', bytes: 256 } }), 'EIO', /was answered, but 256 of its bytes were not taken$/],
  ['a failure of the target', (request, talk) => talk.status(request, 0, undefined, { response: 1 }), 'EIO', /write of 512 bytes at 0 failed: /],
  ['a reject', ({ tag, lun, cdb }, talk) => { const header = Buffer.alloc(48); header[0] = 1; header[9] = Number(lun); header.writeUInt32BE(tag, 16); header.set(cdb, 32); talk.say({ kind: 'reject', reason: 9, dataSN: 0, data: header }); }, 'EIO', /write of 512 bytes at 0 failed: /],
];

describe('a write that is answered with', () => {
  for (const [title, then, code, text] of failures) {
    it(`${title} has failed, may have had its effect, and was sent once`, async () => {
      await using it = await opened(then);
      await assert.rejects(it.device.writeDurably(0, sector, long), (error: Error) => {
        assert.ok(error instanceof RequestFailed, String(error));
        assert.deepEqual([error.code, error.effect], [code, 'possible']);
        assert.match(error.message, text);
        return true;
      });
      assert.equal(it.target.count(OPERATION.WRITE_16), 1);
      it.target.script = {};
      await it.device.writeDurably(0, sector, long);
      assert.equal(it.target.connections.length, 1);
    });
  }

  it('RECOVERED ERROR was carried out', async () => {
    await using it = await opened((request, talk) => talk.status(request, 2, fixedSense(1, 0x17, 1)));
    await it.device.writeDurably(0, sector, long);
  });
});
