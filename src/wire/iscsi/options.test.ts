import assert from 'node:assert/strict';
import { usualOptions } from './initiator.fixture.ts';
import { Initiator } from './initiator.ts';
import type { InitiatorOptions } from './options.ts';

describe('the options of an iSCSI initiator', () => {
  const wrong: [Partial<InitiatorOptions>, RegExp][] = [
    [{ isid: new Uint8Array(5) }, /an ISID of 5 bytes, it has 6/],
    [{ initiatorName: '' }, /an initiator without a name/],
    [{ initiatorName: 'n'.repeat(224) }, /the name of the initiator has 224 bytes, 223 are the most/],
    [{ targetName: 'a\0TargetName=b' }, /the name of the target has a zero byte/],
    [{ initiatorAlias: 'ä'.repeat(128) }, /the alias of the initiator has 256 bytes/],
    [{ chap: { user: 'u'.repeat(256), secret: 'x' } }, /the CHAP user has 256 bytes/],
    [
      { chap: { user: 'u', secret: 'the same', target: { user: 't', secret: 'the same' } } },
      /^(?!.*the same one).*secrets of initiator and target are the same, they have to differ/,
    ],
  ];
  for (const [options, words] of wrong) {
    it(`are checked: ${words.source}`, () => {
      assert.throws(() => new Initiator({ ...usualOptions, ...options }), words);
    });
  }
});
