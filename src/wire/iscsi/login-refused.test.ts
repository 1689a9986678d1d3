import assert from 'node:assert/strict';
import { begun, feed, negotiated } from './initiator.fixture.ts';

describe('an iSCSI login that is turned away', () => {
  const turnedAway: [status: number, text: RegExp][] = [
    [0x0200, /finds a fault/],
    [0x0201, /authentication failed: it asks who this is by CHAP, and no user is named/],
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
