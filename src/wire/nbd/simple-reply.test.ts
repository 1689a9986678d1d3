import assert from 'node:assert/strict';
import { NBD_STRUCTURED_REPLY_MAGIC } from './constants.ts';
import { bytesOf, simpleReply } from './server-bytes.fixture.ts';
import { readSimpleReply } from './simple-reply.ts';

describe('a simple reply', () => {
  it('has an error number and the cookie of its request', () => {
    assert.deepEqual(readSimpleReply(simpleReply(0xfedcba9876543210n, 108)), {
      cookie: 0xfedcba9876543210n,
      error: 108,
    });
  });

  it('is known by its magic', () => {
    assert.deepEqual(readSimpleReply(bytesOf([32, 0x96744668], [32, 0], [64, 1])), {
      kind: 'broken',
      reason: 'wrong-magic',
      text: 'a reply with magic 0x96744668',
    });
  });

  it('is not a structured one, which has its own name', () => {
    assert.deepEqual(readSimpleReply(bytesOf([32, NBD_STRUCTURED_REPLY_MAGIC], [32, 0], [64, 1])), {
      kind: 'broken',
      reason: 'structured-reply',
      text: 'a structured reply, which was not negotiated',
    });
  });
});
