import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Reading } from '../protocol/types.ts';
import {
  CLUSTER,
  headerOf,
  OTHER_CLUSTER,
  readArea,
  readingsOf,
  RECORD,
  sectorsOf,
  SLOTS,
} from './area.fixture.ts';
import { sealBlock, VERSION } from './block.ts';
import { decodeHeader, encodeHeader, findHeader } from './header.ts';
import { SECTOR_SIZES } from './layout.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import { decodeSlot, encodeSlot } from './slot.ts';

type Decode = (sector: Uint8Array) => Reading<unknown>;
const KINDS: readonly (readonly [string, number, Decode])[] = [
  ['header', 0, decodeHeader],
  ['record', 1, (sector) => decodeRecord(sector, CLUSTER)],
  ['slot', 2, (sector) => decodeSlot(sector, CLUSTER)],
];

function whyOf(reading: Reading<unknown>): string {
  assert.equal(reading.kind, 'damaged');
  return reading.kind === 'damaged' ? reading.why : '';
}

/** The first sector of that kind after `harm`, with its CRC made right again. */
function resealed(index: number, harm: (sector: Uint8Array) => void): Uint8Array {
  const sector = sectorsOf(512)[index]!;
  harm(sector);
  sealBlock(sector);
  return sector;
}

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

describe('a damaged block', () => {
  for (const sectorBytes of SECTOR_SIZES) {
    for (const [kind, index, decode] of KINDS) {
      it(`is seen by any single flipped bit of a ${kind} of ${sectorBytes} bytes`, function () {
        this.timeout(30_000);
        const sector = sectorsOf(sectorBytes)[index]!;
        for (let bit = 0; bit < sectorBytes * 8; bit += 1) {
          sector[bit >> 3]! ^= 1 << (bit & 7);
          const reading = decode(sector);
          assert.equal(reading.kind, 'damaged', `bit ${bit}`);
          const expected =
            bit < 64
              ? /^not an arbiter block/
              : /^torn or corrupt: CRC32C [0-9a-f]{8}, computed [0-9a-f]{8}$/;
          assert.match(whyOf(reading), expected, `bit ${bit}`);
          sector[bit >> 3]! ^= 1 << (bit & 7);
        }
        assert.equal(decode(sector).kind, 'valid');
      });
    }

    it(`is torn when a write of ${sectorBytes} bytes got only so far, wherever that was`, () => {
      const framing = { clusterId: CLUSTER, sectorBytes };
      const before = encodeRecord(RECORD, framing);
      const after = encodeRecord(
        { ...RECORD, epoch: RECORD.epoch + 3, count: RECORD.count + 1, node: 'server-1' },
        framing,
      );
      for (let cut = 0; cut <= sectorBytes; cut += 1) {
        const torn = Buffer.concat([after.subarray(0, cut), before.subarray(cut)]);
        const reading = decodeRecord(torn, CLUSTER);
        if (torn.equals(before) || torn.equals(after)) assert.equal(reading.kind, 'valid');
        else assert.match(whyOf(reading), /^torn or corrupt: CRC32C /, `cut at ${cut}`);
      }
    });
  }

  it('is torn when only a part of the first write ever reached a sector of zeros', () => {
    const sector = sectorsOf(512)[1]!;
    for (let cut = 8; cut < 512; cut += 1) {
      const torn = Buffer.concat([sector.subarray(0, cut), new Uint8Array(512 - cut)]);
      assert.match(whyOf(decodeRecord(torn, CLUSTER)), /^torn or corrupt: CRC32C /, `cut at ${cut}`);
    }
  });

  it('is never a null one, and a null one never damaged', () => {
    for (const [, , decode] of KINDS) {
      assert.deepEqual(decode(new Uint8Array(512)), { kind: 'null', bytes: '\0'.repeat(512) });
      for (const at of [0, 511])
        assert.equal(decode(new Uint8Array(512).fill(1, at, at + 1)).kind, 'damaged');
    }
  });

  it('keeps its raw bytes in the reading, so that R9 can compare them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), (sector) => {
        for (const [, , decode] of KINDS)
          assert.equal(decode(sector).bytes, Buffer.from(sector).toString('latin1'));
      }),
      { numRuns: 20 },
    );
  });
});

// Each is whole: its CRC is right. What is wrong with it has a name of its own.
// prettier-ignore
const WHOLE_BUT_WRONG: readonly (readonly [string, number, (sector: Uint8Array) => void, string])[] = [
  ['of a newer version',          1, (s) => s.set(u32(VERSION + 1), 8),   'written by a newer version 2; this program knows 1'],
  ['of version 0',                1, (s) => s.set(u32(0), 8),             'invalid record: version 0'],
  ['of another cluster',          1, (s) => s.set(Buffer.from(OTHER_CLUSTER, 'hex'), 16), `belongs to cluster ${OTHER_CLUSTER}, not ${CLUSTER}`],
  ['that is a slot',              1, (s) => s.set(Buffer.from('N'), 7),   'a node slot stands where an ownership record should'],
  ['made for longer sectors',     1, (s) => s.set(u32(4096), 12),         'a block of 4096 bytes in a sector of 512'],
  ['with something behind it',    1, (s) => s.set([1], 507),              'invalid record: bytes after 180 that should be zero'],
  ['with an unknown status',      1, (s) => s.set(u32(2), 40),            'invalid record: status 2 is not one of 0 to 1'],
  ['with an epoch past 2^53-1',   1, (s) => s.set(u32(0x200000), 44),     'invalid record: epoch 9007199254740993 is above 2^53-1'],
  ['with a count past 2^53-1',    1, (s) => s.set([255], 52),             'invalid record: count 18374686479959077700 is above 2^53-1'],
  ['with an impossible node',     1, (s) => s.set(Buffer.from('Server.2'), 76), 'invalid record: node "Server.2" is not a node name'],
  ['with a name that never ends', 1, (s) => s.fill(0x61, 108, 140),       `invalid record: successor "${'a'.repeat(32)}" is not a node name`],
  ['with a name after its end',   1, (s) => s.set([0x61], 107),           `invalid record: node "server-2${String.raw`\u0000`.repeat(23)}a" is not a node name`],
  ['owned by nobody',             1, (s) => s.fill(0, 76, 108),           'invalid record: status 1 without a node'],
  ['paused by an impossible node', 1, (s) => s.set(Buffer.from('-'), 140), 'invalid record: paused by "-" is not a node name'],
  ['paused since, by nobody',     1, (s) => s.set([1], 179),              'invalid record: paused since, and by nobody'],
  ['with an unknown role',        2, (s) => s.set(u32(4), 40),            'invalid slot: role 4 is not one of 0 to 3'],
  ['of nobody',                   2, (s) => s.fill(0, 76, 108),           'invalid slot: no node'],
  ['with an unknown mode',        0, (s) => s.set(u32(2), 40),            'invalid header: mode 2 is not one of 0 to 1'],
  ['without slots',               0, (s) => s.set(u32(0), 44),            'invalid header: 0 slots'],
  ['with too many slots',         0, (s) => s.set(u32(65), 44),           'invalid header: 65 slots'],
  ['with no interval',            0, (s) => s.set(u32(0), 48),            'invalid header: intervalMs 0'],
];

describe('a block that is whole but wrong', () => {
  for (const [what, index, harm, why] of WHOLE_BUT_WRONG) {
    it(`is called so: a ${KINDS[index]![0]} ${what}`, () => {
      assert.equal(whyOf(KINDS[index]![2](resealed(index, harm))), why);
    });
  }

  it('is not an arbiter block at all when its magic is another', () => {
    const sector = Buffer.alloc(512, 'EFI PART');
    assert.equal(
      whyOf(decodeHeader(sector)),
      'not an arbiter block: its first 8 bytes are not the magic of one',
    );
  });
});

describe('what nobody may write', () => {
  const framing = { clusterId: CLUSTER, sectorBytes: 512 };
  it('is refused by the encoders, for it would be our own bug', () => {
    assert.throws(() => encodeRecord({ ...RECORD, node: '' }, framing), /an owned record needs a node/);
    assert.throws(() => encodeRecord({ ...RECORD, node: 'a@b' }, framing), /node 'a@b' is not a node name/);
    assert.throws(() => encodeRecord({ ...RECORD, epoch: 2 ** 53 }, framing), /epoch 9007199254740992/);
    assert.throws(() => encodeRecord({ ...RECORD, count: -1 }, framing), /count -1/);
    assert.throws(() => encodeRecord({ ...RECORD, incarnation: 'x' }, framing), /not 32 hex digits: 'x'/);
    assert.throws(() => encodeRecord(RECORD, { ...framing, sectorBytes: 520 }), /sector size 520/);
    assert.throws(() => encodeSlot({ ...SLOTS[0]!, node: '' }, framing), /a slot needs a node/);
    assert.throws(() => encodeHeader({ ...headerOf(512), slots: 65 }), /65 slots/);
    const timings = { ...headerOf(512).timings, settleMs: 0.5 };
    assert.throws(() => encodeHeader({ ...headerOf(512), timings }), /settleMs 0.5/);
  });
});

describe('findHeader', () => {
  for (const sectorBytes of SECTOR_SIZES) {
    it(`finds a header of ${sectorBytes} bytes in the first bytes of the area`, () => {
      const reading = findHeader(Buffer.concat(sectorsOf(sectorBytes)).subarray(0, 4096));
      assert.deepEqual(reading.kind === 'valid' && reading.value, headerOf(sectorBytes));
    });
  }

  it('takes an export of zeros, however small, for unformatted', () => {
    assert.equal(findHeader(new Uint8Array(512)).kind, 'null');
    assert.equal(findHeader(new Uint8Array(4096)).kind, 'null');
  });

  it('says torn of a header of 4096 bytes whose end was lost', () => {
    const sector = sectorsOf(4096)[0]!;
    assert.match(whyOf(findHeader(sector.fill(0, 4090))), /^torn or corrupt/);
    assert.match(whyOf(findHeader(sector.subarray(0, 512))), /^torn or corrupt/);
  });
});

describe('the whole area', () => {
  it('holds every block to the cluster of the header read along', () => {
    const sectors = sectorsOf(512);
    sectors[1] = encodeRecord(RECORD, { clusterId: OTHER_CLUSTER, sectorBytes: 512 });
    const [header, record, ...slots] = readingsOf(readArea(sectors, 512));
    assert.equal(whyOf(record!), `belongs to cluster ${OTHER_CLUSTER}, not ${CLUSTER}`);
    assert.deepEqual([header!.kind, ...slots.map((slot) => slot.kind)], ['valid', 'valid', 'valid', 'valid']);
  });
});
