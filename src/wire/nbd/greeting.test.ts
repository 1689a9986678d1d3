import assert from 'node:assert/strict';
import { NBD_CLISERV_MAGIC, NBD_MAGIC, NBD_OPTS_MAGIC } from './constants.ts';
import { answerGreeting } from './greeting.ts';
import { bytesOf, greeting } from './server-bytes.fixture.ts';

const refusal = (bytes: Uint8Array): unknown => {
  const answer = answerGreeting(bytes);
  assert.ok('kind' in answer);
  return [answer.reason, answer.text];
};

describe('the greeting of an NBD server', () => {
  it('is answered with fixed newstyle, and no zeroes only where they were offered', () => {
    assert.deepEqual(answerGreeting(greeting(3)), Uint8Array.of(0, 0, 0, 3));
    assert.deepEqual(answerGreeting(greeting(1)), Uint8Array.of(0, 0, 0, 1));
  });

  it('may carry flags nobody knows yet ("SHOULD ignore")', () => {
    assert.deepEqual(answerGreeting(greeting(0xffff)), Uint8Array.of(0, 0, 0, 3));
  });

  it('that is not fixed newstyle is refused by name', () => {
    assert.deepEqual(refusal(greeting(2)), [
      'not-fixed-newstyle',
      'a newstyle NBD server that is not fixed newstyle, which is needed',
    ]);
    assert.deepEqual(refusal(bytesOf([64, NBD_MAGIC], [64, NBD_CLISERV_MAGIC], [16, 0])), [
      'oldstyle',
      'an oldstyle NBD server; fixed newstyle is needed',
    ]);
    assert.deepEqual(refusal(bytesOf([64, NBD_MAGIC], [64, NBD_OPTS_MAGIC + 1n], [16, 3])), [
      'wrong-magic',
      'the greeting has 0x49484156454f5055 in the place of IHAVEOPT',
    ]);
  });

  it('of something else shows what it is', () => {
    assert.deepEqual(refusal(bytesOf('SSH-2.0-OpenSSH_9.')), [
      'not-nbd',
      'not an NBD server: its greeting begins with "SSH-2.0-"',
    ]);
    assert.deepEqual(refusal(bytesOf([64, 0xff00n], [64, 0], [16, 0])), [
      'not-nbd',
      'not an NBD server: its greeting begins with 000000000000ff00',
    ]);
  });
});
