import assert from 'node:assert/strict';
import { NBD_REQUEST_MAGIC } from './constants.ts';
import { type Command, describeCommand, encodeDisconnect, encodeRequest } from './request.ts';
import { bytesOf } from './server-bytes.fixture.ts';

const cookie = 0x11223344556677;
const sector = new Uint8Array(512).fill(7);

// prettier-ignore
const requests: readonly [Command, flags: number, type: number, offset: number, length: number, payload: Uint8Array, text: string][] = [
  [ { kind: 'read', offsetBytes: 2 ** 40, lengthBytes: 4096 }, 0, 0, 2 ** 40, 4096, bytesOf(), 'read of 4096 bytes at 1099511627776' ],
  [ { kind: 'write', offsetBytes: 4096, bytes: sector, fua: true }, 1, 1, 4096, 512, sector, 'write of 512 bytes at 4096' ],
  [ { kind: 'write', offsetBytes: 0, bytes: sector, fua: false }, 0, 1, 0, 512, sector, 'write of 512 bytes at 0' ],
  [ { kind: 'trim', offsetBytes: 1024, lengthBytes: 0xffff_fe00 }, 0, 4, 1024, 0xffff_fe00, bytesOf(), 'trim of 4294966784 bytes at 1024' ],
  [ { kind: 'write-zeroes', offsetBytes: 512, lengthBytes: 2 ** 31, fua: false, noHole: false, fast: false }, 0, 6, 512, 2 ** 31, bytesOf(), 'write of 2147483648 zeroes at 512' ],
  [ { kind: 'write-zeroes', offsetBytes: 0, lengthBytes: 512, fua: true, noHole: false, fast: false }, 1, 6, 0, 512, bytesOf(), 'write of 512 zeroes at 0' ],
  [ { kind: 'write-zeroes', offsetBytes: 0, lengthBytes: 512, fua: false, noHole: true, fast: false }, 2, 6, 0, 512, bytesOf(), 'write of 512 zeroes at 0' ],
  [ { kind: 'write-zeroes', offsetBytes: 0, lengthBytes: 512, fua: false, noHole: false, fast: true }, 16, 6, 0, 512, bytesOf(), 'write of 512 zeroes at 0' ],
  [ { kind: 'flush' }, 0, 3, 0, 0, bytesOf(), 'flush' ],
];

describe('an NBD request', () => {
  for (const [command, flags, type, offset, length, payload, text] of requests) {
    it(`for a ${text} is laid out as the text says (flags ${flags})`, () => {
      const expected = bytesOf(
        [32, NBD_REQUEST_MAGIC],
        [16, flags],
        [16, type],
        [64, cookie],
        [64, offset],
        [32, length],
        payload,
      );
      assert.deepEqual(Buffer.from(encodeRequest(command, cookie)), expected);
      assert.equal(describeCommand(command), text);
    });
  }

  it('to disconnect has neither offset nor length', () => {
    assert.deepEqual(
      Buffer.from(encodeDisconnect()),
      bytesOf([32, NBD_REQUEST_MAGIC], [16, 0], [16, 2], [64, 0], [64, 0], [32, 0]),
    );
  });

  it('does not change with the memory it was made from: it may be sent much later', () => {
    const bytes = new Uint8Array(512).fill(1);
    const request = encodeRequest({ kind: 'write', offsetBytes: 0, bytes, fua: true }, 1);
    bytes.fill(2);
    assert.ok(request.subarray(28).every((byte) => byte === 1));
  });
});
