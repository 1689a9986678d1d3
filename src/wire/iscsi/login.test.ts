import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { begun, feed, keysOf, negotiated, sends, sentPdus, usualOptions } from './initiator.fixture.ts';
import { Initiator } from './initiator.ts';
import type { InitiatorOptions } from './options.ts';

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
