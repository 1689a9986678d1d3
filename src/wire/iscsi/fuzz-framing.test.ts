import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { fuzzRuns, fuzzTimeoutMs, pieceLengths, pieces, spoiled } from '../nbd/fuzz.fixture.ts';
import { anyInitiatorPdu, anyTargetPdu } from './any-pdu.fixture.ts';
import { PduFraming } from './framing.ts';
import { decodeInitiatorPdu, encodeInitiatorHeader } from './initiator-pdu.ts';
import { type Digests, RawPdu, sealed } from './pdu.ts';
import { decodeTargetPdu } from './target-pdu-decode.ts';
import { encodeTargetHeader } from './target-pdu.ts';

const maxDataBytes = 64;
/** A header, the longest additional segments, data, padding and digests. */
const heldLimit = 48 + 4 * 255 + 4 + maxDataBytes + 4;
const none = new Uint8Array(0);

const digests: fc.Arbitrary<Digests> = fc.record({ header: fc.boolean(), data: fc.boolean() });
const anyHeader = fc.oneof(
  anyInitiatorPdu.map((pdu) => ({
    header: encodeInitiatorHeader(pdu),
    data: 'data' in pdu ? pdu.data : none,
  })),
  anyTargetPdu.map((pdu) => ({ header: encodeTargetHeader(pdu), data: 'data' in pdu ? pdu.data : none })),
);

/** Everything that comes out, as text. */
function play(bytes: Uint8Array, on: Digests, lengths: readonly number[]): string[] {
  const framing = new PduFraming(maxDataBytes);
  framing.agree(on, maxDataBytes);
  const said: string[] = [];
  for (const piece of pieces(bytes, lengths)) {
    framing.push(piece);
    for (let raw = framing.take(); raw !== undefined; raw = framing.take()) {
      if (!(raw instanceof RawPdu)) {
        assert.doesNotMatch(raw.text, /[\p{Cc}\u2028\u2029]/u);
        return [...said, raw.text];
      }
      const wire = Buffer.concat(raw.pieces).toString('hex');
      said.push(`${wire} ${decodeInitiatorPdu(raw)?.kind} ${decodeTargetPdu(raw)?.kind}`);
    }
    assert.ok(framing.heldBytes <= heldLimit, `${framing.heldBytes} bytes are held`);
  }
  return said;
}

describe('the framing of iSCSI, whatever comes in', function () {
  this.timeout(fuzzTimeoutMs);

  it('throws nothing, holds no more than one PDU, and finds the same however it is cut', () => {
    const stream = fc.tuple(fc.array(anyHeader, { maxLength: 5 }), digests).chain(([all, on]) => {
      const right = Buffer.concat(all.flatMap(({ header, data }) => sealed(header, data, on)));
      const bytes = fc.oneof(
        fc.constant<Uint8Array>(right),
        { weight: 4, arbitrary: spoiled(fc.constant<Uint8Array>(right)) },
        fc.uint8Array({ maxLength: 200 }),
      );
      return fc.tuple(bytes, fc.constant(on));
    });
    fc.assert(
      fc.property(stream, pieceLengths, ([bytes, on], lengths) => {
        const whole = play(bytes, on, [bytes.length + 1]);
        assert.deepEqual(play(bytes, on, [1]), whole);
        assert.deepEqual(play(bytes, on, lengths), whole);
      }),
      { numRuns: fuzzRuns(300) },
    );
  });
});
