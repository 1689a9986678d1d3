import assert from 'node:assert/strict';
import { begun, feed, negotiated, ready } from './initiator.fixture.ts';
import type { TargetBytes } from './target-bytes.fixture.ts';

describe('nonsense in an iSCSI login', () => {
  /** In the answer to the offer of parameters. */
  const answers: [keys: string[], words: RegExp][] = [
    [['MaxBurstLength=511'], /MaxBurstLength="511", which is no value it can have/],
    [['MaxBurstLength=16777216'], /no value it can have/],
    [['MaxBurstLength=2097152'], /MaxBurstLength="2097152" in answer to MaxBurstLength=1048576/],
    [['MaxBurstLength=1e5'], /no value it can have/],
    [['MaxBurstLength=-1'], /no value it can have/],
    [['MaxBurstLength='], /MaxBurstLength="", which is no value/],
    [['MaxBurstLength=Reject'], /MaxBurstLength=Reject in answer to/],
    [['MaxRecvDataSegmentLength=0'], /no value it can have/],
    [['DefaultTime2Wait=1'], /DefaultTime2Wait="1" in answer to DefaultTime2Wait=2/],
    [['ErrorRecoveryLevel=2'], /in answer to ErrorRecoveryLevel=0/],
    [['MaxConnections=4'], /in answer to MaxConnections=1/],
    [['MaxOutstandingR2T=0'], /no value it can have/],
    [['ImmediateData=yes'], /ImmediateData="yes", which is no value it can have/],
    [['DataPDUInOrder=No'], /in answer to DataPDUInOrder=Yes/],
    [['DataSequenceInOrder=No'], /in answer to DataSequenceInOrder=Yes/],
    [['HeaderDigest=CRC32C'], /HeaderDigest="CRC32C" in answer to HeaderDigest=None/],
    [['HeaderDigest=None,CRC32C'], /in answer to HeaderDigest=None/],
    [['InitialR2T=No', 'InitialR2T=Yes'], /InitialR2T="Yes" after InitialR2T="No"/],
    [['AuthMethod=CHAP'], /AuthMethod="CHAP" after AuthMethod="None"/],
    [['CHAP_A=5'], /CHAP_A after the security negotiation/],
    [['nokey'], /"nokey", which is no key=value/],
    [['=value'], /"=value", which is no key=value/],
    [['lower=case'], /no key=value/],
    [[`K${'e'.repeat(63)}=1`], /no key=value/],
    [['a\u2028\r\nb\u001b[31m'], /"a b \[31m", which is no key=value/],
    [Array.from({ length: 40 }, (_, index) => `X-${index}=1`), /more than 32 keys that nobody knows/],
  ];
  for (const [keys, words] of answers) {
    it(`is named with its phase: ${JSON.stringify(keys[0])}`, () => {
      const outcome = negotiated({}, ...keys);
      assert.ok(outcome.kind === 'broken', JSON.stringify(outcome));
      assert.match(outcome.text, /^login, operational negotiation: /);
      assert.match(outcome.text, words);
      assert.doesNotMatch(outcome.text, /[\p{Cc}\u2028\u2029]/u);
    });
  }

  /** In the answer to the first request. */
  const twisted: [what: string, bytes: (target: TargetBytes) => Uint8Array, words: RegExp][] = [
    [
      'a wrong tag',
      (target) => target.login({ stage: 0, transit: true, fields: [[16, 32, 7]] }),
      /security negotiation: a response with tag 0x7, the request had 0/,
    ],
    [
      'another version',
      (target) => target.login({ stage: 0, transit: true, fields: [[3, 8, 1]] }),
      /version 1 of iSCSI/,
    ],
    [
      'another stage',
      (target) => target.login({ stage: 1, transit: true }),
      /a response of stage 1 to a request of/,
    ],
    [
      'a leap over the parameters',
      (target) => target.login({ stage: 0, transit: true, tsih: 1, flags: 0x83 }),
      /goes on to stage 3, 1 was asked for/,
    ],
    [
      'an end that goes on',
      (target) => target.login({ stage: 0, transit: true, continued: true }),
      /both goes on and ends/,
    ],
    [
      'text without an end',
      (target) => target.pdu(0x23, 0x81, [[16, 32, 0]], Buffer.from('AuthMethod=Non')),
      /text that ends in "AuthMethod=Non" and not in a zero byte/,
    ],
    [
      'a method that was not offered',
      (target) => target.login({ stage: 0 }, 'AuthMethod=KRB5'),
      /AuthMethod="KRB5" in/,
    ],
    [
      'CHAP that was not offered',
      (target) => target.login({ stage: 0 }, 'AuthMethod=CHAP'),
      /in answer to AuthMethod=None/,
    ],
    [
      'CHAP out of nothing',
      (target) => target.login({ stage: 0 }, 'CHAP_A=5'),
      /CHAP_A before any CHAP was agreed to/,
    ],
    [
      'parameters before their turn',
      (target) => target.login({ stage: 0 }, 'MaxBurstLength=4096'),
      /MaxBurstLength in the security negotiation/,
    ],
    [
      'a redirection to nowhere',
      (target) => target.login({ stage: 0, status: 0x0101 }),
      /without a TargetAddress/,
    ],
    ['data', (target) => target.dataIn(1, 0, 0, new Uint8Array(8)), /a Data-In before the end of the login/],
    ["an initiator's PDU", (target) => target.pdu(0x03, 0x81, []), /a Login Request which no target sends/],
    [
      'an opcode that is none',
      (target) => target.pdu(0x2a, 0x81, []),
      /a PDU of opcode 0x2a which no target sends/,
    ],
    [
      'a PDU of 16 MiB',
      (target) => target.login({ stage: 0, dataBytes: 0xffffff }),
      /a data segment of 16777215 bytes in a Login Response; at most 8192 are taken/,
    ],
    [
      'a PDU above what a login has',
      (target) => target.login({ stage: 0, dataBytes: 8193 }),
      /a data segment of 8193 bytes in a Login Response; at most 8192 are taken/,
    ],
  ];
  for (const [what, bytes, words] of twisted) {
    it(`is named with its phase: ${what}`, () => {
      const { initiator, target } = begun();
      const outcomes = feed(initiator, bytes(target), [5]);
      const last = outcomes.at(-1);
      assert.ok(last?.kind === 'broken', JSON.stringify(outcomes));
      assert.match(last.text, /^login, security negotiation: /);
      assert.match(last.text, words);
      assert.equal(initiator.status, 'dead');
      assert.deepEqual(feed(initiator, target.welcome()), [], 'and nothing is heard after it');
    });
  }

  it('is a login that comes to no end', () => {
    const { initiator, target } = begun();
    for (let round = 1; round < 32; round += 1)
      assert.equal(feed(initiator, target.login({ stage: 0 }))[0]?.kind, 'send');
    const [last] = feed(initiator, target.login({ stage: 0 }));
    assert.ok(last?.kind === 'broken');
    assert.match(last.text, /comes to no end in 32 requests/);
  });

  it('is text of more than 64 KiB, and no more than that is held', () => {
    const { initiator, target } = begun();
    const part = 'A'.repeat(8191);
    for (let sent = 1; sent <= 8; sent += 1) {
      assert.equal(feed(initiator, target.login({ stage: 0, continued: true }, part))[0]?.kind, 'send');
      assert.equal(initiator.heldBytes, sent * 8192);
    }
    const [last] = feed(initiator, target.login({ stage: 0, continued: true }, part));
    assert.ok(last?.kind === 'broken');
    assert.match(last.text, /text of more than 65536 bytes/);
  });

  it('is a stage that ends though the initiator had not asked for it', () => {
    const { initiator, target } = begun({ chap: { user: 'u', secret: 'secret' } });
    const [outcome] = feed(initiator, target.login({ stage: 0, transit: true }, 'AuthMethod=None'));
    assert.ok(outcome?.kind === 'broken');
    assert.match(outcome.text, /ends the stage, which it was not asked to/);
  });

  it('is a session without a handle', () => {
    const { initiator, target } = begun();
    feed(initiator, target.login({ stage: 0, transit: true }));
    const [outcome] = feed(initiator, target.login({ stage: 1, transit: true, tsih: 0 }));
    assert.ok(outcome?.kind === 'broken');
    assert.match(outcome.text, /no handle/);
  });

  it('is one more response after the login', () => {
    const { initiator, target } = ready();
    const [outcome] = feed(initiator, target.login({ stage: 1, transit: true, tsih: 1 }));
    assert.ok(outcome?.kind === 'broken');
    assert.match(outcome.text, /^full-feature phase: a Login Response after the login/);
  });
});
