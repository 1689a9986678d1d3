import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { pieces } from '../nbd/fuzz.fixture.ts';
import { anyInitiatorPdu, anyTargetPdu } from './any-pdu.fixture.ts';
import { PduFraming } from './framing.ts';
import { decodeInitiatorPdu, encodeInitiatorHeader, type InitiatorPdu } from './initiator-pdu.ts';
import { type Digests, RawPdu, sealed } from './pdu.ts';
import { decodeTargetPdu } from './target-pdu-decode.ts';
import { encodeTargetHeader, type TargetPdu } from './target-pdu.ts';

const bothDigests: Digests = { header: true, data: true };
const none = new Uint8Array(0);

function wire(header: Uint8Array, pdu: object, digests: Digests): Uint8Array {
  return Buffer.concat(sealed(header, 'data' in pdu ? (pdu.data as Uint8Array) : none, digests));
}
const initiatorWire = (pdu: InitiatorPdu, digests: Digests): Uint8Array =>
  wire(encodeInitiatorHeader(pdu), pdu, digests);
const targetWire = (pdu: TargetPdu, digests: Digests): Uint8Array =>
  wire(encodeTargetHeader(pdu), pdu, digests);

function framing(digests: Digests, maxDataBytes = 8192): PduFraming {
  const it = new PduFraming(maxDataBytes);
  it.agree(digests, maxDataBytes);
  return it;
}

/** All that comes out of these bytes, the last of which may be a problem, which repeats for ever. */
function feed(it: PduFraming, bytes: Uint8Array, lengths: readonly number[]) {
  const taken: (RawPdu | { kind: string; text: string })[] = [];
  for (const piece of pieces(bytes, lengths)) {
    it.push(piece);
    for (let pdu = it.take(); pdu !== undefined; pdu = it.take()) {
      taken.push(pdu);
      if (!(pdu instanceof RawPdu)) return taken;
    }
  }
  return taken;
}

const plain = (pdu: object): object =>
  Object.fromEntries(
    Object.entries(pdu).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Uint8Array.from(value) : value,
    ]),
  );

const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
const digests = fc.record({ header: fc.boolean(), data: fc.boolean() });
const anyPdu = fc.oneof(
  anyInitiatorPdu.map((pdu) => ({
    pdu,
    wire: (on: Digests) => initiatorWire(pdu, on),
    decode: decodeInitiatorPdu,
  })),
  anyTargetPdu.map((pdu) => ({ pdu, wire: (on: Digests) => targetWire(pdu, on), decode: decodeTargetPdu })),
);

describe('the framing of iSCSI', () => {
  it('gives out every PDU of either side as it was sent, with or without digests, cut anyhow', () => {
    fc.assert(
      fc.property(fc.array(anyPdu, { maxLength: 6 }), digests, lengths, (all, on, cuts) => {
        const sent = all.map(({ wire }) => wire(on));
        const taken = feed(framing(on), Buffer.concat(sent), cuts) as RawPdu[];
        assert.deepEqual(
          taken.map((raw, index) => plain(all[index]!.decode(raw)!)),
          all.map(({ pdu }) => plain(pdu)),
        );
        // Whoever relays has the very bytes.
        assert.deepEqual(
          taken.map(({ pieces }) => Buffer.concat(pieces)),
          sent.map((bytes) => Buffer.from(bytes)),
        );
      }),
    );
  });

  it('notices one wrong bit anywhere under the digests', () => {
    fc.assert(
      fc.property(anyPdu, fc.nat(), fc.nat({ max: 7 }), ({ wire }, where, bit) => {
        const bytes = Uint8Array.from(wire(bothDigests));
        const at = where % bytes.length;
        bytes[at]! ^= 1 << bit;
        // What it becomes longer by has to come.
        const [taken] = feed(framing(bothDigests), Buffer.concat([bytes, Buffer.alloc(1024)]), [64]);
        assert.ok(taken !== undefined && !(taken instanceof RawPdu));
        assert.equal(taken.kind, at < 52 ? 'header-digest' : 'data-digest');
      }),
    );
  });

  it('has the digests of RFC 7143, appendix A.4: of 32 zeroes aa 36 91 8a', () => {
    const pdu: InitiatorPdu = {
      kind: 'nop-out',
      immediate: true,
      tag: 1,
      cmdSN: 1,
      expStatSN: 1,
      lun: 0,
      targetTag: 0xffff_ffff,
      data: new Uint8Array(32),
    };
    const bytes = initiatorWire(pdu, { header: false, data: true });
    assert.equal(Buffer.from(bytes.subarray(48 + 32)).toString('hex'), 'aa36918a');
  });

  it('refuses a PDU of 16 MiB by its header, and has taken nothing of it', () => {
    const it = framing({ header: false, data: false });
    const header = encodeTargetHeader({
      kind: 'nop-in',
      tag: 1,
      targetTag: 2,
      lun: 0,
      statSN: 1,
      expCmdSN: 1,
      maxCmdSN: 1,
      data: none,
    });
    header.set([0xff, 0xff, 0xff], 5);
    const [taken] = feed(it, header, [1]);
    assert.deepEqual(taken, {
      kind: 'too-large',
      text: 'a data segment of 16777215 bytes in a NOP-In; at most 8192 are taken',
    });
    assert.equal(it.take(), taken, 'and goes on refusing');
  });

  it('holds what it was sent and not more', () => {
    const it = framing(bothDigests);
    const bytes = initiatorWire(
      {
        kind: 'nop-out',
        immediate: true,
        tag: 1,
        cmdSN: 1,
        expStatSN: 1,
        lun: 0,
        targetTag: 2,
        data: new Uint8Array(100),
      },
      bothDigests,
    );
    for (const [at] of bytes.entries()) {
      assert.equal(it.heldBytes, at);
      it.push(bytes.slice(at, at + 1));
      assert.equal(it.take() !== undefined, at === bytes.length - 1);
    }
    assert.equal(it.heldBytes, 0);
  });

  it('passes over additional header segments, with a digest over them too', () => {
    const pdu: InitiatorPdu = {
      kind: 'logout',
      immediate: false,
      tag: 7,
      cmdSN: 1,
      expStatSN: 1,
      reason: 0,
      connection: 0,
    };
    const header = encodeInitiatorHeader(pdu);
    const ahs = Uint8Array.from([0, 5, 2, 0, 1, 2, 3, 4]);
    header[4] = ahs.length / 4;
    const summed = sealed(Buffer.concat([header, ahs]), none, bothDigests);
    const [taken] = feed(framing(bothDigests), Buffer.concat(summed), [3]);
    assert.ok(taken instanceof RawPdu);
    assert.deepEqual(Uint8Array.from(taken.ahs), ahs);
    assert.deepEqual(decodeInitiatorPdu(taken), pdu);
  });

  it('keeps what it holds when the memory of a chunk is used for something else', () => {
    const data = new Uint8Array(100).fill(3);
    const numbers = { immediate: true, tag: 1, cmdSN: 1, expStatSN: 1 };
    const pdu: InitiatorPdu = { kind: 'nop-out', ...numbers, lun: 0, targetTag: 2, data };
    const header = encodeInitiatorHeader(pdu);
    const ahs = Uint8Array.from([0, 5, 2, 0, 1, 2, 3, 4]);
    header[4] = ahs.length / 4;
    const it = framing(bothDigests);
    const sent = Buffer.concat(sealed(Buffer.concat([header, ahs]), data, bothDigests));
    const [taken] = [...pieces(sent, [70, 40])].flatMap((piece) => {
      const chunk = Uint8Array.from(piece);
      it.push(chunk);
      const pdu = it.take();
      it.keep();
      chunk.fill(0xa5);
      return pdu ?? [];
    });
    assert.ok(taken instanceof RawPdu);
    assert.deepEqual(Buffer.concat(taken.pieces), sent);
  });
});
