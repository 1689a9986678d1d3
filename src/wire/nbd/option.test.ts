import assert from 'node:assert/strict';
import { NBD_LIMIT, NBD_OPT, NBD_OPTS_MAGIC, NBD_REP, NBD_REP_MAGIC } from './constants.ts';
import { optionAbort, readOptionReplyHeader } from './option.ts';
import { bytesOf } from './server-bytes.fixture.ts';

describe('an option', () => {
  it('to abort has no data', () => {
    assert.deepEqual(Buffer.from(optionAbort()), bytesOf([64, NBD_OPTS_MAGIC], [32, 2], [32, 0]));
  });
});

describe('the head of an option reply', () => {
  const head = (magic: bigint, option: number, length: number): unknown => {
    const header = readOptionReplyHeader(
      bytesOf([64, magic], [32, option], [32, NBD_REP.INFO], [32, length]),
      NBD_OPT.GO,
    );
    return 'kind' in header ? [header.reason, header.text] : header;
  };

  it('gives type and length', () => {
    assert.deepEqual(head(NBD_REP_MAGIC, NBD_OPT.GO, 12), { type: NBD_REP.INFO, lengthBytes: 12 });
  });

  it('must have the magic, the option that was sent and a length within bounds', () => {
    assert.deepEqual(head(NBD_REP_MAGIC + 1n, NBD_OPT.GO, 12), [
      'wrong-magic',
      'an option reply with magic 0x3e889045565aa',
    ]);
    assert.deepEqual(head(NBD_REP_MAGIC, NBD_OPT.LIST, 12), [
      'unexpected-option-reply',
      'a reply to option 3, and NBD_OPT_GO (7) was sent',
    ]);
    assert.deepEqual(head(NBD_REP_MAGIC, NBD_OPT.GO, NBD_LIMIT.optionReplyBytes + 1), [
      'too-large',
      'an option reply of 8193 bytes; at most 8192 are read',
    ]);
  });
});
