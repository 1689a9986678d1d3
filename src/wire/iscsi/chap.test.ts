import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ChapMemory } from './chap-memory.ts';
import { begun, feed, keysOf, sends } from './initiator.fixture.ts';
import type { InitiatorOptions } from './options.ts';

const [secret, targetSecret] = ['the initiator knows this', 'the target knows this'];
const oneWay = { chap: { user: 'server-1', secret } };
const mutual = { chap: { user: 'server-1', secret, target: { user: 'storage', secret: targetSecret } } };
/** What `usualOptions` draws. */
const ownChallenge = `0x${'a5'.repeat(16)}`;

/** RFC 1994, section 4.1. */
function answer(
  identifier: number,
  secret: string,
  challenge: string,
  form: 'hex' | 'base64' = 'hex',
): string {
  const asked = Buffer.from(challenge.slice(2), challenge.startsWith('0b') ? 'base64' : 'hex');
  const sum = createHash('md5').update(Uint8Array.of(identifier)).update(secret).update(asked).digest();
  return form === 'hex' ? `0x${sum.toString('hex')}` : `0b${sum.toString('base64')}`;
}

/** A login in which the target asks `challenge` as its challenge number `identifier`. */
function challenged(options: Partial<InitiatorOptions>, challenge: string, identifier = '7') {
  const { initiator, target } = begun(options);
  const chosen = sends(
    feed(initiator, target.login({ stage: 0 }, 'TargetPortalGroupTag=1', 'AuthMethod=CHAP')),
  );
  assert.deepEqual(keysOf(chosen[0]), ['CHAP_A=5']);
  const outcomes = feed(
    initiator,
    target.login({ stage: 0 }, 'CHAP_A=5', `CHAP_I=${identifier}`, `CHAP_C=${challenge}`),
  );
  return { initiator, target, outcomes };
}

/** The same, both ways, and the target says `keys` to prove itself. */
function proving(...keys: string[]) {
  const { initiator, target, outcomes } = challenged(mutual, '0x0123456789abcdef');
  assert.equal(outcomes[0]?.kind, 'send');
  const [last] = feed(initiator, target.login({ stage: 0, transit: true }, ...keys));
  return { initiator, target, last };
}

describe('CHAP', () => {
  it('proves the initiator, whose secret is in nothing it sends', () => {
    for (const [challenge, identifier] of [
      ['0x0123456789abcdef', '7'],
      ['0XAB', '0xff'],
      [`0b${Buffer.from('sixteen bytes...').toString('base64')}`, '0'],
      [`0x${'5a'.repeat(1024)}`, '255'],
    ] as const) {
      const { initiator, target, outcomes } = challenged(oneWay, challenge, identifier);
      const [request] = sends(outcomes);
      assert.deepEqual(keysOf(request), [
        'CHAP_N=server-1',
        `CHAP_R=${answer(Number(identifier), secret, challenge)}`,
      ]);
      assert.ok(request?.kind === 'login' && request.transit);
      feed(initiator, target.login({ stage: 0, transit: true }));
      feed(initiator, target.login({ stage: 1, transit: true, tsih: 1 }));
      assert.equal(initiator.status, 'ready');
    }
  });

  it('may be done without by a target that wants no proof', () => {
    const { initiator, target } = begun(oneWay);
    const [request] = sends(feed(initiator, target.login({ stage: 0 }, 'AuthMethod=None')));
    assert.ok(request?.kind === 'login' && request.transit && request.data.length === 0);
  });

  it('goes both ways with a secret of the target', () => {
    for (const form of ['hex', 'base64'] as const) {
      const { initiator, target, last } = proving(
        'CHAP_N=storage',
        `CHAP_R=${answer(0xa5, targetSecret, ownChallenge, form)}`,
      );
      assert.equal(last?.kind, 'send');
      feed(initiator, target.login({ stage: 1, transit: true, tsih: 1 }));
      assert.equal(initiator.status, 'ready');
    }
  });

  it('asks the target a challenge of its own, with its proof', () => {
    const { outcomes } = challenged(mutual, '0x0123456789abcdef');
    assert.deepEqual(keysOf(sends(outcomes)[0]).slice(2), [`CHAP_I=165`, `CHAP_C=${ownChallenge}`]);
  });

  const impostors: [what: string, keys: string[], words: RegExp][] = [
    ['does not answer the challenge', [], /does not answer the challenge/],
    ['tells its name only', ['CHAP_N=storage'], /does not answer the challenge/],
    [
      'has a wrong secret',
      ['CHAP_N=storage', `CHAP_R=${answer(0xa5, 'guessed', ownChallenge)}`],
      /answer to the challenge is wrong: check the target's secret/,
    ],
    [
      "answers with the initiator's secret",
      ['CHAP_N=storage', `CHAP_R=${answer(0xa5, secret, ownChallenge)}`],
      /is wrong/,
    ],
    [
      'answers another challenge',
      ['CHAP_N=storage', `CHAP_R=${answer(0xa6, targetSecret, ownChallenge)}`],
      /is wrong/,
    ],
    ['answers with less', ['CHAP_N=storage', 'CHAP_R=0x00'], /is wrong/],
    ['answers no number', ['CHAP_N=storage', 'CHAP_R=zzz'], /does not answer the challenge/],
    [
      'has another name',
      ['CHAP_N=another', `CHAP_R=${answer(0xa5, targetSecret, ownChallenge)}`],
      /calls itself "another", not "storage"/,
    ],
  ];
  for (const [what, keys, words] of impostors) {
    it(`refuses a target that ${what}`, () => {
      const { initiator, last } = proving(...keys);
      assert.ok(last?.kind === 'refused' && last.statusClass === 0, JSON.stringify(last));
      assert.match(last.text, /^login, CHAP: the target/);
      assert.match(last.text, words);
      assert.equal(initiator.status, 'closed');
    });
  }

  it('lets no target off that is to prove itself', () => {
    for (const [keys, words] of [
      [['AuthMethod=None'], /does without CHAP, it was to prove itself/],
      [[], /does without CHAP, it was to prove itself/],
      [['AuthMethod=Reject'], /the target has none of AuthMethod=CHAP/],
    ] as const) {
      const { initiator, target } = begun(mutual);
      const [outcome] = feed(initiator, target.login({ stage: 0 }, ...keys));
      assert.ok(outcome?.kind === 'refused' && outcome.statusClass === 0);
      assert.match(outcome.text, words);
      assert.equal(initiator.status, 'closed');
    }
  });

  it('refuses a challenge that this process sent on another connection: it would give the answer away', () => {
    const memory = new ChapMemory();
    const options = { chap: { ...mutual.chap, memory } };
    challenged(options, '0x0123456789abcdef');
    const { outcomes, initiator } = challenged(options, ownChallenge);
    assert.ok(outcomes[0]?.kind === 'refused' && outcomes.length === 1);
    assert.match(outcomes[0].text, /sends a challenge of this initiator back to it/);
    assert.equal(initiator.status, 'closed');
  });

  it('refuses a target whose challenge is the very one it is to be asked', () => {
    const { outcomes } = challenged(mutual, ownChallenge);
    assert.ok(outcomes[0]?.kind === 'refused' && outcomes.length === 1);
    assert.match(outcomes[0].text, /the very one it is to be asked/);
  });

  it('remembers the last 256 challenges and no more', () => {
    const memory = new ChapMemory();
    const challenge = (number: number): Uint8Array => Uint8Array.of(number >> 8, number);
    for (let number = 0; number <= 256; number += 1) memory.add(challenge(number));
    assert.deepEqual(
      [memory.has(challenge(0)), memory.has(challenge(1)), memory.has(challenge(256))],
      [false, true, true],
    );
  });

  const nonsense: [keys: string[], words: RegExp][] = [
    [[], /no CHAP_A in answer to CHAP_A=5/],
    [['CHAP_A=7', 'CHAP_I=1', 'CHAP_C=0x00'], /CHAP_A="7" in answer to CHAP_A=5/],
    [['CHAP_A=5', 'CHAP_C=0x00'], /CHAP_I="", it is a number of one byte/],
    [['CHAP_A=5', 'CHAP_I=256', 'CHAP_C=0x00'], /CHAP_I="256", it is a number/],
    [['CHAP_A=5', 'CHAP_I=1'], /a CHAP_C that is no binary value/],
    [['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0x'], /a CHAP_C that is no binary value/],
    [['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=12'], /a CHAP_C that is no binary value/],
    [
      ['CHAP_A=5', 'CHAP_I=1', `CHAP_C=0x${'00'.repeat(1025)}`],
      /a CHAP_C that is no binary value of 1 to 1024/,
    ],
  ];
  for (const [keys, words] of nonsense) {
    it(`names nonsense with its phase: ${words.source}`, () => {
      const { initiator, target } = begun(oneWay);
      feed(initiator, target.login({ stage: 0 }, 'AuthMethod=CHAP'));
      const [outcome] = feed(initiator, target.login({ stage: 0 }, ...keys));
      assert.ok(outcome?.kind === 'broken', JSON.stringify(outcome));
      assert.match(outcome.text, /^login, CHAP: /);
      assert.match(outcome.text, words);
    });
  }

  it('says of a wrong secret what the target says', () => {
    const { initiator, target } = challenged(oneWay, '0x0123456789abcdef');
    const [outcome] = feed(initiator, target.login({ stage: 0, status: 0x0201 }));
    assert.ok(outcome?.kind === 'refused');
    assert.equal(
      outcome.text,
      'login, CHAP: refused with status 0201: authentication failed: check the CHAP user and secret',
    );
  });
});
