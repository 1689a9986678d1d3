import assert from 'node:assert/strict';
import { NBD_CMD, NBD_CMD_FLAG, NBD_INFO, nbdErrorName } from '../constants.ts';
import { outcomes, request, type RequestFields, served, servingWire, write } from './client-bytes.fixture.ts';
import type { ServerOutcome } from './outcome.ts';
import { readReply, simpleReply } from './simple-reply.ts';

const { READ, WRITE, FLUSH, DISC, TRIM } = NBD_CMD;
const cookie = { high: 0x11223344, low: 0x55667788 };

/** `ok`, or the name of the error that was answered at once. */
function judged(outcome: ServerOutcome | undefined): string {
  if (outcome?.kind === 'request') return 'ok';
  assert.equal(outcome?.kind, 'send');
  const bytes = Buffer.from(outcome.kind === 'send' ? outcome.bytes : []);
  assert.equal(bytes.length, 16);
  assert.equal(bytes.readUInt32BE(0), 0x67446698);
  assert.equal(bytes.toString('hex', 8), '1122334455667788');
  return nbdErrorName(bytes.readUInt32BE(4));
}

describe('NBD server: requests', () => {
  it('a read, a write with forced unit access and a flush come out as they were asked', () => {
    const payload = new Uint8Array(512).fill(0xab);
    const wire = servingWire(served());
    wire.receive(request({ command: READ, offset: 4096, length: 1024 }));
    wire.receive(write(512, payload, NBD_CMD_FLAG.FUA));
    wire.receive(request({ command: FLUSH }));
    const common = { fua: false, payload: new Uint8Array(0), cookie };
    assert.deepEqual(
      outcomes(wire).map((outcome) => (outcome.kind === 'request' ? outcome.request : outcome)),
      [
        { op: 'read', offset: 4096, length: 1024, ...common },
        { op: 'write', offset: 512, length: 512, ...common, fua: true, payload },
        { op: 'flush', offset: 0, length: 0, ...common },
      ],
    );
  });

  it('nothing is taken up before it is pulled: who carries requests out decides how many there are', () => {
    const wire = servingWire(served());
    const one = request({ command: READ, length: 512 });
    wire.receive(Buffer.concat([one, one, one]));
    assert.equal(wire.next()?.kind, 'request');
    assert.equal(wire.unread, 2 * one.length);
  });

  const end = 65536;
  // prettier-ignore
  const rows: readonly [asked: RequestFields, readOnly: boolean, answer: string, why: string][] = [
    [{ command: READ, offset: end - 512, length: 512 },                      false, 'ok',     'up to the last byte'],
    [{ command: READ, offset: end - 512, length: 1024 },                     false, 'EINVAL', 'a read beyond the end'],
    [{ command: READ, offset: 2n ** 64n - 512n, length: 512 },               false, 'EINVAL', 'an offset that no number holds'],
    [{ command: READ, length: 0 },                                           false, 'EINVAL', 'nothing is no request'],
    [{ command: READ, length: 16384 },                                       false, 'ok',     'the largest payload'],
    [{ command: READ, length: 16896 },                                       false, 'EINVAL', 'a larger one'],
    [{ command: READ, length: 0xffffffff },                                  false, 'EINVAL', 'a very much larger one'],
    [{ command: READ, length: 512, flags: NBD_CMD_FLAG.FUA },                false, 'ok',     'FUA is allowed with every command'],
    [{ command: READ, length: 512, flags: NBD_CMD_FLAG.DF },                 false, 'EINVAL', 'a flag without its extension'],
    [{ command: READ, length: 512 },                                         true,  'ok',     'reading what is read-only'],
    [{ command: WRITE, offset: 0, payload: Buffer.alloc(512) },              true,  'EPERM',  'writing what is read-only'],
    [{ command: WRITE, offset: end, payload: Buffer.alloc(512) },            false, 'ENOSPC', 'a write beyond the end'],
    [{ command: WRITE, offset: 2n ** 63n, payload: Buffer.alloc(512) },      false, 'ENOSPC', 'a write far beyond the end'],
    [{ command: WRITE, offset: 0, payload: Buffer.alloc(16896) },            false, 'EINVAL', 'a payload larger than the largest'],
    [{ command: WRITE, offset: 0, payload: Buffer.alloc(512), flags: 1024 }, false, 'EINVAL', 'a write with an unknown flag'],
    [{ command: FLUSH, length: 512 },                                        false, 'EINVAL', 'a flush of a part'],
    [{ command: FLUSH },                                                     true,  'ok',     'a flush of what is read-only'],
    [{ command: TRIM, length: 512 },                                         false, 'EINVAL', 'a command that was not offered'],
    [{ command: 4711, length: 512 },                                         false, 'EINVAL', 'a command nobody knows'],
  ];
  for (const [asked, readOnly, answer, why] of rows) {
    it(`${why}: ${answer}, and the connection lives`, () => {
      const wire = servingWire(served({ readOnly }));
      wire.receive(request(asked));
      wire.receive(request({ command: READ, length: 512 }));
      const [first, second, ...more] = outcomes(wire);
      assert.equal(judged(first), answer);
      assert.equal(judged(second), 'ok');
      assert.deepEqual(more, []);
    });
  }

  it('the minimum block size binds who asked for it, and nobody else', () => {
    for (const [infos, answer] of [
      [[NBD_INFO.BLOCK_SIZE], 'EINVAL'],
      [[], 'ok'],
    ] as const) {
      const wire = servingWire(served(), infos);
      wire.receive(request({ command: READ, offset: 1, length: 512 }));
      wire.receive(request({ command: READ, offset: 0, length: 3 }));
      assert.deepEqual(outcomes(wire).map(judged), [answer, answer]);
    }
  });

  it('DISC is the last thing that is understood', () => {
    const wire = servingWire(served());
    wire.receive(request({ command: DISC }));
    wire.receive(request({ command: READ, length: 512 }));
    assert.deepEqual(outcomes(wire), [{ kind: 'leave', how: 'NBD_CMD_DISC', bytes: new Uint8Array(0) }]);
    assert.equal(wire.status, 'closed');
  });

  it('bytes that are no request end the connection', () => {
    const wire = servingWire(served());
    wire.receive(new Uint8Array(28));
    assert.deepEqual(outcomes(wire), [{ kind: 'broken', why: 'a request does not begin with its magic' }]);
  });
});

describe('NBD server: answers', () => {
  it('carry the magic, the error and the client’s cookie', () => {
    assert.equal(
      Buffer.from(simpleReply(cookie, 5)).toString('hex'),
      '67446698' + '00000005' + '1122334455667788',
    );
  });

  it('to a read carry what was read', () => {
    const { reply, data } = readReply(cookie, 3);
    data.set([1, 2, 3]);
    assert.equal(Buffer.from(reply).toString('hex'), '67446698' + '00000000' + '1122334455667788' + '010203');
  });
});
