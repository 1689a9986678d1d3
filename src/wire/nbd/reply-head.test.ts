import assert from 'node:assert/strict';
import { readReplyHead } from './reply-head.ts';
import { bytesOf, chunk, simpleReply } from './server-bytes.fixture.ts';

describe('the head of a reply', () => {
  it('that is simple has an error number and the cookie of its request', () => {
    assert.deepEqual(readReplyHead(simpleReply(0xfedcba9876543210n, 108)), {
      kind: 'simple',
      cookie: 0xfedcba9876543210n,
      error: 108,
    });
  });

  it('that is structured has a type, a cookie, and whether it is the last; other flags are ignored', () => {
    const head = (flags: number): unknown =>
      readReplyHead(chunk(7n, 0x8002, bytesOf(), flags).subarray(0, 16));
    assert.deepEqual(head(1), { kind: 'chunk', cookie: 7n, type: 0x8002, done: true });
    assert.deepEqual(head(0xfffe), { kind: 'chunk', cookie: 7n, type: 0x8002, done: false });
  });

  it('is known by its magic', () => {
    assert.deepEqual(readReplyHead(bytesOf([32, 0x96744668], [32, 0], [64, 1])), {
      kind: 'broken',
      reason: 'wrong-magic',
      text: 'a reply with magic 0x96744668',
    });
  });
});
