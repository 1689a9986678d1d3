import assert from 'node:assert/strict';
import { hexdump } from './hexdump.ts';

describe('hexdump', () => {
  it('shows offset, bytes and text, and folds runs of zero lines', () => {
    const bytes = new Uint8Array(84);
    bytes.set(Buffer.from('ARBITERH\x7f~'));
    bytes[83] = 0xff;
    assert.deepEqual(hexdump(bytes), [
      '00000000  41 52 42 49 54 45 52 48 7f 7e 00 00 00 00 00 00  |ARBITERH.~......|',
      '00000010  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |................|',
      '*',
      '00000050  00 00 00 ff                                      |....|',
      '00000054',
    ]);
  });

  it('folds only zeros: equal lines of anything else are all shown', () => {
    assert.equal(hexdump(new Uint8Array(48).fill(1)).length, 4);
  });
});
