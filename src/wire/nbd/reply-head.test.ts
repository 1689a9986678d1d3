import assert from 'node:assert/strict';
import { readReplyHead } from './reply-head.ts';
import { bytesOf, chunk, simpleReply } from './server-bytes.fixture.ts';

describe('the head of a reply', () => {
  it('that is simple has an error number and the cookie of its request', () => {
    assert.deepEqual(readReplyHead(simpleReply(0x1cba9876543210, 108)), {
      kind: 'simple',
      cookie: 0x1cba9876543210,
      error: 108,
    });
  });

  it('that is structured has a type, a cookie, and whether it is the last; other flags are ignored', () => {
    const head = (flags: number): unknown =>
      readReplyHead(chunk(7, 0x8002, bytesOf(), flags).subarray(0, 16));
    assert.deepEqual(head(1), { kind: 'chunk', cookie: 7, type: 0x8002, done: true });
    assert.deepEqual(head(0xfffe), { kind: 'chunk', cookie: 7, type: 0x8002, done: false });
  });

  it('with a cookie too large for a number has none that was given out', () => {
    for (const cookie of [2n ** 53n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
      const head = readReplyHead(simpleReply(cookie));
      assert.ok(head.kind === 'simple' && head.cookie > Number.MAX_SAFE_INTEGER);
    }
  });

  it('is known by its magic', () => {
    assert.deepEqual(readReplyHead(bytesOf([32, 0x96744668], [32, 0], [64, 1])), {
      kind: 'broken',
      reason: 'wrong-magic',
      text: 'a reply with magic 0x96744668',
    });
  });
});
