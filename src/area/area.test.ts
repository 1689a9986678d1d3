import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Header, NodeSlot, OwnershipRecord } from '../protocol/types.ts';
import { CLUSTER, OTHER_CLUSTER, RECORD, sectorsOf } from './area.fixture.ts';
import { decodeArea } from './area.ts';
import { decodeHeader, encodeHeader } from './header.ts';
import { areaBytes, MAX_SLOTS, recordOffset, SECTOR_SIZES, slotOffset } from './layout.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import { decodeSlot, encodeSlot } from './slot.ts';

const hex32 = fc.stringMatching(/^[0-9a-f]{32}$/);
const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/);
const maybeName = fc.oneof(fc.constant(''), name);
const count = fc.maxSafeNat();
const duration = fc.integer({ min: 1, max: 0xffffffff });
const sectorBytes = fc.constantFrom(...SECTOR_SIZES);

/** Compared strictly with what was decoded. */
const plainObject = { noNullPrototype: true };

const record: fc.Arbitrary<OwnershipRecord> = fc
  .record(
    {
      status: fc.constantFrom(0 as const, 1 as const),
      node: maybeName,
      epoch: count,
      incarnation: hex32,
      count,
      successor: maybeName,
      pause: fc.option(fc.record({ by: name, sinceWallMs: count }, plainObject)),
    },
    plainObject,
  )
  .map((value) => (value.node === '' ? { ...value, status: 0 } : value));

const slot: fc.Arbitrary<NodeSlot> = fc.record(
  {
    node: name,
    incarnation: hex32,
    counter: count,
    role: fc.constantFrom('none' as const, 'standby' as const, 'claimant' as const, 'owner' as const),
    epoch: count,
  },
  plainObject,
);

const header: fc.Arbitrary<Header> = fc.record(
  {
    clusterId: hex32,
    sectorBytes,
    slots: fc.integer({ min: 1, max: MAX_SLOTS }),
    mode: fc.constantFrom('plain' as const, 'caw' as const),
    timings: fc.record(
      {
        intervalMs: duration,
        misses: duration,
        settleMs: duration,
        deadlineMs: duration,
        stopGraceMs: duration,
      },
      plainObject,
    ),
  },
  plainObject,
);

describe('a block', () => {
  it('reads back as the record that was written, and is one sector', () => {
    fc.assert(
      fc.property(record, hex32, sectorBytes, fc.nat(), (value, clusterId, sectorBytes, wallMs) => {
        const sector = encodeRecord(value, { clusterId, sectorBytes, wallMs });
        assert.equal(sector.length, sectorBytes);
        const bytes = Buffer.from(sector).toString('latin1');
        assert.deepEqual(decodeRecord(sector, clusterId), { kind: 'valid', value, bytes });
      }),
    );
  });

  it('says no time at all rather than one far off when the wall clock stands before 1970', () => {
    const framing = { clusterId: CLUSTER, sectorBytes: 512 } as const;
    assert.deepEqual(encodeRecord(RECORD, { ...framing, wallMs: -1 }), encodeRecord(RECORD, framing));
  });

  it('reads back as the slot that was written', () => {
    fc.assert(
      fc.property(slot, hex32, sectorBytes, (value, clusterId, sectorBytes) => {
        const reading = decodeSlot(encodeSlot(value, { clusterId, sectorBytes }), clusterId);
        assert.deepEqual(reading.kind === 'valid' && reading.value, value);
      }),
    );
  });

  it('reads back as the header that was written', () => {
    fc.assert(
      fc.property(header, (value) => {
        const reading = decodeHeader(encodeHeader(value));
        assert.deepEqual(reading.kind === 'valid' && reading.value, value);
      }),
    );
  });

  it('never decodes by chance from other bytes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), (sector) => {
        for (const reading of [
          decodeHeader(sector),
          decodeRecord(sector, undefined),
          decodeSlot(sector, undefined),
        ]) {
          assert.notEqual(reading.kind, 'valid');
        }
      }),
    );
  });

  it('differs in its bytes when only the count differs', () => {
    fc.assert(
      fc.property(record, count, (value, other) => {
        fc.pre(value.count !== other);
        const framing = { clusterId: CLUSTER, sectorBytes: 512 };
        assert.notDeepEqual(encodeRecord(value, framing), encodeRecord({ ...value, count: other }, framing));
      }),
    );
  });
});

describe('the layout', () => {
  it('gives every block one sector of its own, header first', () => {
    for (const size of SECTOR_SIZES) {
      assert.equal(recordOffset(size), size);
      assert.deepEqual([slotOffset(size, 0), slotOffset(size, 2)], [2 * size, 4 * size]);
      assert.equal(areaBytes(size, 3), 5 * size);
    }
  });
});

describe('decodeArea', () => {
  it('finds every block at its place and ignores what lies behind the area', () => {
    const sectors = sectorsOf(512);
    const area = decodeArea(Buffer.concat([...sectors, Buffer.alloc(512, 7)]), 512, 3);
    const nodes = area.slots.map((each) => each.kind === 'valid' && each.value.node);
    assert.deepEqual(nodes, ['server-1', 'server-2', 'server-3']);
    assert.equal(area.record.kind === 'valid' && area.record.value.node, 'server-2');
    assert.equal(area.header.kind, 'valid');
  });

  it('believes the cluster its reader knew from before rather than a header that changed', () => {
    const sectors = sectorsOf(512);
    const reading = decodeHeader(sectors[0]!);
    assert.ok(reading.kind === 'valid');
    sectors[0] = encodeHeader({ ...reading.value, clusterId: OTHER_CLUSTER });
    assert.equal(decodeArea(Buffer.concat(sectors), 512, 3).record.kind, 'damaged');
    assert.equal(decodeArea(Buffer.concat(sectors), 512, 3, CLUSTER).record.kind, 'valid');
  });

  it('still shows the blocks behind a damaged header', () => {
    const sectors = sectorsOf(512);
    sectors[0]!.fill(7);
    const area = decodeArea(Buffer.concat(sectors), 512, 3);
    assert.deepEqual([area.header.kind, area.record.kind], ['damaged', 'valid']);
  });

  it('refuses a read that is shorter than the area', () => {
    const bytes = Buffer.concat(sectorsOf(512));
    assert.throws(() => decodeArea(bytes, 512, 4), /an area of 3072 bytes from a read of 2560/);
  });
});
