import assert from 'node:assert/strict';
import { NBD_INFO, NBD_LIMIT, NBD_OPTS_MAGIC, NBD_REP, NBD_REP_ERR } from './constants.ts';
import { GoReplies, optionGo } from './option-go.ts';
import { bytesOf } from './server-bytes.fixture.ts';

const exportData = (size: number | bigint, flags: number): Uint8Array =>
  bytesOf([16, NBD_INFO.EXPORT], [64, size], [16, flags]);
const blockSizeData = (minimum: number, preferred: number, maximum: number): Uint8Array =>
  bytesOf([16, NBD_INFO.BLOCK_SIZE], [32, minimum], [32, preferred], [32, maximum]);

describe('NBD_OPT_GO', () => {
  it('asks for the export by name and for its block sizes', () => {
    const expected = bytesOf([64, NBD_OPTS_MAGIC], [32, 7], [32, 12], [32, 4], 'd\u00e9s', [16, 1], [16, 3]);
    assert.deepEqual(Buffer.from(optionGo('d\u00e9s')), expected);
  });

  it('has no room for a name of more than 4096 bytes', () => {
    assert.equal(optionGo('x'.repeat(4096)).length, 16 + 8 + 4096);
    assert.throws(() => optionGo('x'.repeat(4097)), {
      name: 'RangeError',
      message: /4097 bytes; NBD has room for 4096/,
    });
  });
});

describe('the replies to NBD_OPT_GO', () => {
  it('give size, flags and block sizes in any order', () => {
    const replies = new GoReplies();
    assert.equal(replies.receive(NBD_REP.INFO, blockSizeData(4096, 65536, 0xffffffff)), undefined);
    assert.equal(replies.receive(NBD_REP.INFO, exportData(2 ** 40, 0b1111)), undefined);
    assert.deepEqual(replies.receive(NBD_REP.ACK, bytesOf()), {
      sizeBytes: 2 ** 40,
      flags: 0b1111,
      readOnly: true,
      canFlush: true,
      canFua: true,
      canTrim: false,
      canWriteZeroes: false,
      canFastZero: false,
      canMultiConn: false,
      blockSizes: { minimumBytes: 4096, preferredBytes: 65536, maximumPayloadBytes: 0xffffffff },
    });
  });

  it('leave the default block sizes where there are none, and say what the export cannot do', () => {
    const replies = new GoReplies();
    replies.receive(NBD_REP.INFO, exportData(0, 1));
    assert.deepEqual(replies.receive(NBD_REP.ACK, bytesOf()), {
      sizeBytes: 0,
      flags: 1,
      readOnly: false,
      canFlush: false,
      canFua: false,
      canTrim: false,
      canWriteZeroes: false,
      canFastZero: false,
      canMultiConn: false,
      blockSizes: { minimumBytes: 1, preferredBytes: 4096, maximumPayloadBytes: 33554432 },
    });
  });

  // prettier-ignore
  const offers: readonly [flags: number, trim: boolean, zeroes: boolean, fast: boolean, why: string][] = [
    [ 1 << 5,                         true,  false, false, 'trim' ],
    [ 1 << 6,                         false, true,  false, 'write zeroes' ],
    [ (1 << 6) + (1 << 11),           false, true,  true,  'and tell how fast' ],
    [ 1 << 11,                        false, false, false, 'fast zeroes without zeroes are none' ],
  ];
  for (const [flags, canTrim, canWriteZeroes, canFastZero, why] of offers) {
    it(`say what the export can do with flags 0x${flags.toString(16)}: ${why}`, () => {
      const replies = new GoReplies();
      replies.receive(NBD_REP.INFO, exportData(0, flags));
      const info = replies.receive(NBD_REP.ACK, bytesOf());
      assert.ok(info !== undefined && 'canTrim' in info);
      assert.deepEqual(
        [info.canTrim, info.canWriteZeroes, info.canFastZero],
        [canTrim, canWriteZeroes, canFastZero],
      );
    });
  }

  it('may carry information nobody asked for ("MUST ignore")', () => {
    const replies = new GoReplies();
    assert.equal(replies.receive(NBD_REP.INFO, bytesOf([16, NBD_INFO.NAME], 'quorum')), undefined);
    assert.equal(replies.receive(NBD_REP.INFO, bytesOf([16, 999])), undefined);
  });

  it('end with a refusal and the words of the server', () => {
    assert.deepEqual(new GoReplies().receive(NBD_REP_ERR.POLICY, bytesOf('not yo\u00fc')), {
      refused: NBD_REP_ERR.POLICY,
      text: 'not yo\u00fc',
    });
    assert.deepEqual(new GoReplies().receive(2 ** 31 + 99, bytesOf()), { refused: 2 ** 31 + 99, text: '' });
  });

  // prettier-ignore
  const ill = [
    [ 'an acknowledgement without an export', NBD_REP.ACK, bytesOf(), 'unexpected-option-reply', 'NBD_OPT_GO was acknowledged without NBD_INFO_EXPORT' ],
    [ 'an acknowledgement with data', NBD_REP.ACK, bytesOf('x'), 'unexpected-option-reply', 'an acknowledgement with 1 bytes of data' ],
    [ 'a reply that belongs to another option', NBD_REP.SERVER, bytesOf(), 'unexpected-option-reply', 'an option reply of type 2 to NBD_OPT_GO' ],
    [ 'information without a type', NBD_REP.INFO, bytesOf('x'), 'malformed-info', 'information of 1 bytes has no type' ],
    [ 'an export cut short', NBD_REP.INFO, exportData(1, 1).subarray(0, 11), 'malformed-info', 'NBD_INFO_EXPORT of 11 bytes, it has 12' ],
    [ 'an export with more', NBD_REP.INFO, bytesOf(exportData(1, 1), 'x'), 'malformed-info', 'NBD_INFO_EXPORT of 13 bytes, it has 12' ],
    [ 'an export beyond 2^53', NBD_REP.INFO, exportData(2n ** 53n, 1), 'too-large', 'an export of 9007199254740992 bytes; at most 9007199254740991 can be addressed' ],
    [ 'block sizes cut short', NBD_REP.INFO, blockSizeData(1, 1, 1).subarray(0, 13), 'malformed-info', 'NBD_INFO_BLOCK_SIZE of 13 bytes, it has 14' ],
    [ 'a minimum of nothing', NBD_REP.INFO, blockSizeData(0, 4096, 8192), 'malformed-info', 'NBD_INFO_BLOCK_SIZE: a minimum of 0 bytes is not a power of two up to 65536' ],
    [ 'a minimum that is no power of two', NBD_REP.INFO, blockSizeData(520, 4096, 8192), 'malformed-info', 'NBD_INFO_BLOCK_SIZE: a minimum of 520 bytes is not a power of two up to 65536' ],
    [ 'a minimum that is too large', NBD_REP.INFO, blockSizeData(131072, 131072, 131072), 'malformed-info', 'NBD_INFO_BLOCK_SIZE: a minimum of 131072 bytes is not a power of two up to 65536' ],
    [ 'a preferred size below the minimum', NBD_REP.INFO, blockSizeData(4096, 512, 8192), 'malformed-info', 'NBD_INFO_BLOCK_SIZE: a preferred size of 512 bytes is not a power of two from the minimum of 4096 up' ],
    [ 'a preferred size that is no power of two', NBD_REP.INFO, blockSizeData(512, 5000, 8192), 'malformed-info', 'NBD_INFO_BLOCK_SIZE: a preferred size of 5000 bytes is not a power of two from the minimum of 512 up' ],
    [ 'a maximum below the minimum', NBD_REP.INFO, blockSizeData(4096, 4096, 512), 'malformed-info', 'NBD_INFO_BLOCK_SIZE: a maximum of 512 bytes is below the minimum of 4096' ],
  ] as const;
  for (const [what, type, data, reason, text] of ill) {
    it(`break the stream with ${what}`, () => {
      assert.deepEqual(new GoReplies().receive(type, data), { kind: 'broken', reason, text });
    });
  }

  it('break the stream when there is no end of them', () => {
    const replies = new GoReplies();
    for (let count = 0; count < NBD_LIMIT.optionReplies; count += 1) {
      assert.equal(replies.receive(NBD_REP.INFO, exportData(1, 1)), undefined);
    }
    const last = replies.receive(NBD_REP.INFO, exportData(1, 1));
    assert.deepEqual(last, {
      kind: 'broken',
      reason: 'too-large',
      text: 'more than 64 replies to NBD_OPT_GO',
    });
  });
});
