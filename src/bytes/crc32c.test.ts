import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { crc32c } from './crc32c.ts';

const READ_10_PDU = Buffer.from(
  '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000',
  'hex',
);

// RFC 3720, B.4. The RFC prints each CRC in the order of its bytes on the wire, lowest first.
// prettier-ignore
const VECTORS: readonly (readonly [string, Uint8Array, number])[] = [
  ['32 bytes of zeroes',       new Uint8Array(32),                         0x8a9136aa],
  ['32 bytes of ones',         new Uint8Array(32).fill(0xff),              0x62a8ab43],
  ['32 bytes counting up',     Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 bytes counting down',   Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['an iSCSI SCSI Read(10) PDU', READ_10_PDU, 0xd9963a56],
];

describe('crc32c', () => {
  for (const [what, bytes, expected] of VECTORS) {
    it(`agrees with RFC 3720, B.4: ${what}`, () => {
      assert.equal(crc32c(bytes).toString(16), expected.toString(16));
    });
  }

  it('is 0 for nothing', () => {
    assert.equal(crc32c(new Uint8Array(0)), 0);
  });

  it('agrees with the definition, bit by bit, at every length and alignment', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(8), (bytes, skip) => {
        const part = bytes.subarray(Math.min(skip, bytes.length));
        assert.equal(crc32c(part), bitByBit(part));
      }),
    );
  });

  it('can be summed in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        assert.equal(crc32c(b, crc32c(a)), crc32c(Buffer.concat([a, b])));
      }),
    );
  });
});

function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
