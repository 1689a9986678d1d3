import assert from 'node:assert/strict';
import { PduFraming } from '../../wire/iscsi/framing.ts';
import { encodeInitiatorHeader } from '../../wire/iscsi/initiator-pdu.ts';
import { RawPdu, noDigests, sealed } from '../../wire/iscsi/pdu.ts';
import { encodeTargetHeader } from '../../wire/iscsi/target-pdu.ts';
import { callerOf } from './caller.ts';
import { LoginWatch } from './login-watch.ts';

const base = {
  transit: true,
  currentStage: 1,
  nextStage: 3,
  versionMax: 0,
  isid: new Uint8Array(6),
  tsih: 0,
  tag: 1,
};

function raw(header: Uint8Array, data: Uint8Array): RawPdu {
  const framing = new PduFraming(1 << 20);
  for (const piece of sealed(header, data, noDigests)) framing.push(piece);
  const pdu = framing.take();
  assert.ok(pdu instanceof RawPdu);
  return pdu;
}

const textOf = (pairs: readonly string[]): Uint8Array =>
  Buffer.from(pairs.map((pair) => `${pair}\0`).join(''));

function request(pairs: readonly string[] | Uint8Array, continued = false): RawPdu {
  const data = pairs instanceof Uint8Array ? pairs : textOf(pairs);
  const numbers = { immediate: true, cmdSN: 1, expStatSN: 0, connection: 0, versionMin: 0 };
  return raw(encodeInitiatorHeader({ kind: 'login', ...base, ...numbers, continued, data }), data);
}

function response(
  pairs: readonly string[],
  changes: { transit?: boolean; nextStage?: number; statusClass?: number } = {},
): RawPdu {
  const data = textOf(pairs);
  const numbers = { statSN: 0, expCmdSN: 1, maxCmdSN: 1, versionActive: 0, statusClass: 0, statusDetail: 1 };
  return raw(
    encodeTargetHeader({ kind: 'login', ...base, ...numbers, continued: false, data, ...changes }),
    data,
  );
}

describe('login watch', () => {
  it('knows who logs in, and that the login is complete when the target says so', () => {
    const watch = new LoginWatch();
    watch.request(
      request([
        'InitiatorName=iqn.2026-11.example.arbiter:a',
        'InitiatorAlias=data@a.6.aaaaaaaa',
        'SessionType=Normal',
      ]),
    );
    watch.response(response([], { transit: false }));
    assert.equal(watch.seen.state, 'under-way');
    watch.response(response([], { nextStage: 1 }));
    assert.equal(watch.seen.state, 'under-way', 'the next stage is the operational one');
    watch.response(response([]));
    assert.equal(watch.seen.state, 'complete');
    assert.deepEqual(callerOf(watch.seen), {
      export: 'data@a.6.aaaaaaaa',
      isOwner: true,
      node: 'a',
      epoch: 6,
      incarnation: 'aaaaaaaa',
    });
  });

  it('puts a text together that is continued, in the middle of a key', () => {
    const watch = new LoginWatch();
    const text = textOf(['InitiatorName=iqn.2026-11.example.arbiter:b', 'InitiatorAlias=quorum']);
    for (let at = 0; at < text.length; at += 7)
      watch.request(request(text.subarray(at, at + 7), at + 7 < text.length));
    assert.deepEqual(callerOf(watch.seen), {
      export: 'quorum',
      isOwner: false,
      node: 'b',
      epoch: 0,
      incarnation: '',
    });
  });

  it('a text without end is too much', () => {
    const watch = new LoginWatch();
    const part = request(Buffer.alloc(8192, 'x'), true);
    const faults = Array.from({ length: 9 }, () => watch.request(part));
    assert.deepEqual(faults.slice(7), [undefined, 'a login without end']);
  });

  const digests: readonly [who: string, asked: string, answered: string, header: boolean][] = [
    ['the initiator offers both', 'HeaderDigest=CRC32C,None', 'HeaderDigest=CRC32C', true],
    ['the target wants none', 'HeaderDigest=CRC32C,None', 'HeaderDigest=None', false],
    ['only one is named', 'HeaderDigest=CRC32C', 'HeaderDigest=CRC32C', true],
    ['the target does not know it', 'HeaderDigest=CRC32C', 'HeaderDigest=Reject', false],
  ];
  for (const [who, asked, answered, header] of digests) {
    it(`${who}: header digest is ${header}`, () => {
      const watch = new LoginWatch();
      watch.request(request([asked]));
      watch.response(response([answered]));
      assert.deepEqual(watch.seen.digests, { header, data: false });
    });
  }

  it('who says two things, and what is no choice, does not go on', () => {
    const twice = new LoginWatch();
    assert.equal(twice.request(request(['SessionType=Discovery'])), undefined);
    assert.equal(twice.request(request(['SessionType=Normal'])), 'two values of SessionType');
    const both = new LoginWatch();
    assert.equal(
      both.request(request(['HeaderDigest=CRC32C', 'HeaderDigest=None'])),
      'two values of HeaderDigest',
    );
    const agreed = new LoginWatch();
    agreed.request(request(['HeaderDigest=CRC32C,None']));
    agreed.response(response(['HeaderDigest=CRC32C'], { transit: false }));
    assert.equal(agreed.request(request(['HeaderDigest=CRC32C'])), undefined, 'libiscsi says it again');
    const other = agreed.request(request(['HeaderDigest=None']));
    assert.equal(other, 'HeaderDigest=None after CRC32C was agreed upon');
    const unsure = new LoginWatch();
    unsure.response(response(['HeaderDigest=CRC32C,None'], { transit: false }));
    assert.equal(
      unsure.request(request(['HeaderDigest=None,CRC32C'])),
      'HeaderDigest=None,CRC32C as its choice',
    );
  });

  it('where the target offers first the initiator chooses', () => {
    const watch = new LoginWatch();
    watch.response(response(['DataDigest=CRC32C,None'], { transit: false }));
    watch.request(request(['DataDigest=None']));
    assert.deepEqual(watch.seen.digests, { header: false, data: false });
  });

  it('a refusal is told by its class and detail', () => {
    const watch = new LoginWatch();
    watch.response(response([], { statusClass: 2 }));
    assert.deepEqual([watch.seen.state, watch.seen.status], ['refused', '0201']);
  });

  it('a stock initiator goes by its own name', () => {
    const watch = new LoginWatch();
    watch.request(request(['InitiatorName=iqn.2008-11.org.linux-kvm']));
    assert.deepEqual(callerOf(watch.seen), {
      export: 'iqn.2008-11.org.linux-kvm',
      isOwner: false,
      node: '',
      epoch: 0,
      incarnation: '',
    });
  });
});
