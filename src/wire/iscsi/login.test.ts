import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { begun, feed, keysOf, ready, sends, sentPdus, usualOptions } from './initiator.fixture.ts';
import { Initiator } from './initiator.ts';
import type { InitiatorOptions } from './options.ts';
import { TargetBytes } from './target-bytes.fixture.ts';

/** What becomes of a login to a target that answers the offer of parameters with `keys`. */
function negotiated(options: Partial<InitiatorOptions>, ...keys: string[]) {
  const { initiator, target } = begun(options);
  return feed(initiator, target.welcome(...keys)).at(-1)!;
}

function parameters(options: Partial<InitiatorOptions>, ...keys: string[]) {
  const outcome = negotiated(options, ...keys);
  assert.ok(outcome.kind === 'ready', JSON.stringify(outcome));
  return outcome.session;
}

describe('an iSCSI login', () => {
  it('begins with the names, and goes on to the parameters at once where there is nothing to prove', () => {
    const initiator = new Initiator({ ...usualOptions, initiatorAlias: 'data@a.7.0123' });
    const [request, ...more] = sentPdus(initiator.begin());
    assert.deepEqual(more, []);
    assert.deepEqual(
      { ...request, data: undefined },
      {
        kind: 'login',
        immediate: true,
        transit: true,
        continued: false,
        currentStage: 0,
        nextStage: 1,
        versionMax: 0,
        versionMin: 0,
        isid: request?.kind === 'login' && request.isid,
        tsih: 0,
        tag: 0,
        connection: 0,
        cmdSN: 1,
        expStatSN: 0,
        data: undefined,
      },
    );
    assert.deepEqual(keysOf(request), [
      'InitiatorName=iqn.2026-11.example.arbiter:server-1',
      'InitiatorAlias=data@a.7.0123',
      'SessionType=Normal',
      'TargetName=iqn.2026-11.example.arbiter:storage',
      'AuthMethod=None',
    ]);
  });

  it('offers every parameter of a normal session in one request', () => {
    const { initiator, target } = begun({ headerDigest: 'prefer', dataDigest: 'crc32c' });
    const [offer] = sends(feed(initiator, target.login({ stage: 0, transit: true }, 'AuthMethod=None')));
    assert.ok(offer?.kind === 'login' && offer.transit && offer.currentStage === 1 && offer.nextStage === 3);
    assert.equal(offer.expStatSN, 2);
    assert.deepEqual(keysOf(offer), [
      'HeaderDigest=CRC32C,None',
      'DataDigest=CRC32C',
      'MaxRecvDataSegmentLength=262144',
      'DefaultTime2Wait=2',
      'DefaultTime2Retain=0',
      'ErrorRecoveryLevel=0',
      'MaxConnections=1',
      'InitialR2T=No',
      'ImmediateData=Yes',
      'MaxBurstLength=1048576',
      'FirstBurstLength=262144',
      'MaxOutstandingR2T=1',
      'DataPDUInOrder=Yes',
      'DataSequenceInOrder=Yes',
    ]);
  });

  it('asks a discovery session for what it has only', () => {
    const { initiator, target } = begun({ targetName: '' });
    assert.deepEqual(keysOf(sentPdus(initiator.begin())[0]).slice(1), [
      'SessionType=Discovery',
      'AuthMethod=None',
    ]);
    const [offer] = sends(feed(initiator, target.login({ stage: 0, transit: true })));
    assert.deepEqual(
      keysOf(offer).map((pair) => pair.split('=')[0]),
      [
        'HeaderDigest',
        'DataDigest',
        'MaxRecvDataSegmentLength',
        'DefaultTime2Wait',
        'DefaultTime2Retain',
        'ErrorRecoveryLevel',
      ],
    );
  });

  it('takes what the target chose', () => {
    const session = parameters(
      { headerDigest: 'prefer', dataDigest: 'prefer' },
      'TargetAlias=disk shelf',
      'HeaderDigest=CRC32C',
      'DataDigest=None',
      'MaxRecvDataSegmentLength=0x10000',
      'DefaultTime2Wait=5',
      'DefaultTime2Retain=0',
      'InitialR2T=Yes',
      'ImmediateData=No',
      'MaxBurstLength=131072',
      'FirstBurstLength=262144',
      'MaxOutstandingR2T=1',
    );
    assert.deepEqual(session, {
      digests: { header: true, data: false },
      initialR2T: true,
      immediateData: false,
      maxBurstBytes: 131072,
      // No burst is longer than the longest one.
      firstBurstBytes: 131072,
      maxSendSegmentBytes: 65536,
      maxReceiveSegmentBytes: 262144,
      maxOutstandingR2T: 1,
      waitSeconds: 5,
      retainSeconds: 0,
      targetPortalGroupTag: 1,
      targetAlias: 'disk shelf',
      tsih: 1,
    });
  });

  it('goes by the defaults of RFC 7143 in what was not answered, and sends no more than it offered', () => {
    const session = parameters({ wishes: { firstBurstBytes: 4096 } }, 'MaxBurstLength=Irrelevant');
    assert.deepEqual(
      [session.initialR2T, session.immediateData, session.maxBurstBytes, session.firstBurstBytes],
      [true, true, 262144, 4096],
    );
    assert.deepEqual([session.maxSendSegmentBytes, session.waitSeconds, session.retainSeconds], [8192, 2, 0]);
  });

  it('answers keys that it does not know and goes on; keys that are gone it rejects', () => {
    const { initiator, target } = begun();
    feed(initiator, target.login({ stage: 0, transit: true }, 'AuthMethod=None'));
    const answered = sends(
      feed(initiator, target.login({ stage: 1 }, 'X-org.example=1', 'IFMarker=No', 'TargetAlias=a')),
    );
    assert.deepEqual(keysOf(answered[0]), ['X-org.example=NotUnderstood', 'IFMarker=Reject']);
    assert.ok(answered[0]?.kind === 'login' && answered[0].transit);
    feed(initiator, target.login({ stage: 1, transit: true, tsih: 9 }));
    assert.equal(initiator.status, 'ready');
  });

  it('takes a text that is cut anywhere, over as many PDUs as it likes', () => {
    const text = ['TargetAlias=a shelf', 'InitialR2T=No', 'MaxRecvDataSegmentLength=16384', ''].join('\0');
    fc.assert(
      fc.property(fc.array(fc.nat({ max: text.length }), { maxLength: 5 }), (cuts) => {
        const { initiator, target } = begun();
        feed(initiator, target.login({ stage: 0, transit: true }, 'AuthMethod=None'));
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        for (const [index, end] of ends.entries()) {
          const last = index === ends.length - 1;
          const part = Buffer.from(text.slice(ends[index - 1] ?? 0, end));
          const bytes = target.pdu(0x23, last ? 0x87 : 0x44, [[14, 16, last ? 3 : 0]], part);
          const outcomes = feed(initiator, bytes, [7]);
          if (last) {
            assert.ok(outcomes[0]?.kind === 'ready');
            const { session } = outcomes[0];
            assert.deepEqual(
              [session.targetAlias, session.initialR2T, session.maxSendSegmentBytes, session.tsih],
              ['a shelf', false, 16384, 3],
            );
          } else {
            const [request] = sends(outcomes);
            assert.ok(request?.kind === 'login' && request.transit && request.data.length === 0);
          }
        }
        assert.equal(initiator.heldBytes, 0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an iSCSI login that is turned away', () => {
  const turnedAway: [status: number, text: RegExp][] = [
    [0x0200, /finds a fault/],
    [0x0201, /authentication failed: check the CHAP user and secret/],
    [0x0202, /may not use the target/],
    [0x0203, /no such target here: check its name/],
    [0x0204, /was removed/],
    [0x0205, /no version/],
    [0x0206, /too many connections/],
    [0x0207, /misses a parameter/],
    [0x0208, /cannot be a part/],
    [0x0209, /type of session/],
    [0x020a, /no such session/],
    [0x020b, /no place in a login/],
    [0x02ff, /an error of the initiator/],
    [0x0300, /an error of its own/],
    [0x0301, /not available at the moment/],
    [0x0302, /out of resources/],
    [0x03ff, /an error of the target/],
    [0x0400, /a class of status that RFC 7143 does not have/],
  ];
  for (const [status, words] of turnedAway) {
    it(`with status ${status.toString(16).padStart(4, '0')} says what it means: ${words.source}`, () => {
      const { initiator, target } = begun();
      const [outcome, ...more] = feed(initiator, target.login({ stage: 0, status }));
      assert.ok(outcome?.kind === 'refused' && more.length === 0);
      assert.match(outcome.text, /^login, security negotiation: refused with status 0[2-4]/);
      assert.match(outcome.text, words);
      assert.deepEqual([outcome.statusClass, outcome.statusDetail], [status >> 8, status & 0xff]);
      assert.equal(initiator.status, 'closed');
    });
  }

  it('to another address tells it, and whether that is for good', () => {
    for (const [status, permanent] of [
      [0x0101, false],
      [0x0102, true],
    ] as const) {
      const { initiator, target } = begun();
      const outcomes = feed(
        initiator,
        target.login({ stage: 0, status }, 'TargetAddress=[2001:db8::1]:3261,2'),
      );
      assert.ok(outcomes[0]?.kind === 'redirected');
      assert.deepEqual([outcomes[0].address, outcomes[0].permanent], ['[2001:db8::1]:3261,2', permanent]);
      assert.equal(initiator.status, 'closed');
    }
  });

  it('by a digest that it requires and the target does not have, is the one who refuses', () => {
    for (const answer of [['HeaderDigest=None'], ['HeaderDigest=Reject'], []]) {
      const outcome = negotiated({ headerDigest: 'crc32c' }, ...answer);
      assert.ok(outcome.kind === 'refused' && outcome.statusClass === 0);
      assert.match(outcome.text, /operational negotiation: the target has no HeaderDigest=CRC32C/);
    }
  });
});

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

describe('the options of an iSCSI initiator', () => {
  const wrong: [Partial<InitiatorOptions>, RegExp][] = [
    [{ isid: new Uint8Array(5) }, /an ISID of 5 bytes, it has 6/],
    [{ initiatorName: '' }, /an initiator without a name/],
    [{ initiatorName: 'n'.repeat(224) }, /the name of the initiator has 224 bytes, 223 are the most/],
    [{ targetName: 'a\0TargetName=b' }, /the name of the target has a zero byte/],
    [{ initiatorAlias: 'ä'.repeat(128) }, /the alias of the initiator has 256 bytes/],
    [{ chap: { user: 'u'.repeat(256), secret: 'x' } }, /the CHAP user has 256 bytes/],
    [
      { chap: { user: 'u', secret: 'the same', target: { user: 't', secret: 'the same' } } },
      /^(?!.*the same one).*secrets of initiator and target are the same, they have to differ/,
    ],
  ];
  for (const [options, words] of wrong) {
    it(`are checked: ${words.source}`, () => {
      assert.throws(() => new Initiator({ ...usualOptions, ...options }), words);
    });
  }
});
