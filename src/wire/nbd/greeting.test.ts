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
  const greeted = (flags: number): unknown => {
    const answer = answerGreeting(greeting(flags));
    assert.ok(!('kind' in answer));
    return [answer.answer[3], answer.fixedNewstyle, answer.noZeroes];
  };

  it('is answered with what it offers, and with nothing else', () => {
    assert.deepEqual([3, 2, 1, 0].map(greeted), [
      [3, true, true],
      [2, false, true],
      [1, true, false],
      [0, false, false],
    ]);
  });

  it('may carry flags nobody knows yet ("SHOULD ignore")', () => {
    assert.deepEqual(greeted(0xffff), [3, true, true]);
  });

  it('that is not newstyle is refused by name', () => {
    assert.deepEqual(refusal(bytesOf([64, NBD_MAGIC], [64, NBD_CLISERV_MAGIC], [16, 0])), [
      'oldstyle',
      'an oldstyle NBD server; newstyle is needed',
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
