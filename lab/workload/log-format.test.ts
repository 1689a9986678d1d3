import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { decodeRecord, encodeRecord, type LogRecord, LogScan, RECORD_BYTES, scanLog } from './log-format.ts';

const append = (seq: number, epoch: number, id = `7-0-${seq}`): LogRecord => ({
  kind: 'append',
  id,
  epoch,
  node: `server-${epoch}`,
  seq,
});

/** An image of `sectors` sectors with these records in the sectors they name. */
function image(sectors: number, ...records: LogRecord[]): Uint8Array {
  const bytes = new Uint8Array(sectors * RECORD_BYTES);
  for (const record of records) bytes.set(encodeRecord(record), record.seq * RECORD_BYTES);
  return bytes;
}

const record = fc.record(
  {
    kind: fc.constantFrom('append' as const, 'beat' as const, 'open' as const),
    id: fc.stringMatching(/^[ -~]{0,64}$/),
    epoch: fc.maxSafeNat(),
    node: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/),
    seq: fc.maxSafeNat(),
  },
  { noNullPrototype: true },
);

describe('the format of the log', () => {
  it('gives back every record as it was written', () => {
    fc.assert(
      fc.property(record, (given) => {
        assert.deepEqual(decodeRecord(encodeRecord(given)), { kind: 'record', record: given });
      }),
    );
  });

  it('is as documented: every field at its place', () => {
    const hex = Buffer.from(
      encodeRecord({ kind: 'append', id: 'ab', epoch: 258, node: 'n1', seq: 3 }),
    ).toString('hex');
    const fields = [
      '4152424c45444731',
      '01',
      '02',
      '02',
      '0000000000',
      '0000000000000102',
      '0000000000000003',
    ];
    assert.equal(hex.slice(0, 64), fields.join(''));
    assert.equal(hex.slice(64, 128), '6e31'.padEnd(64, '0'));
    assert.equal(hex.slice(128, 1016), '6162'.padEnd(888, '0'));
    assert.equal(hex.slice(1016), '911feb49');
  });

  it('notices every single flipped bit', () => {
    const sector = encodeRecord(append(5, 3));
    for (let bit = 0; bit < RECORD_BYTES * 8; bit += 1) {
      sector[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(decodeRecord(sector).kind, 'damaged', `bit ${bit}`);
      sector[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('takes no id that would not fit', () => {
    assert.throws(() => encodeRecord(append(0, 1, 'x'.repeat(65))), /an id of 65 bytes: at most 64 fit/);
    assert.throws(
      () => encodeRecord({ ...append(0, 1), node: 'n'.repeat(33) }),
      /a node of 33 bytes: at most 32 fit/,
    );
  });
});

describe('the scan of a log', () => {
  it('finds nothing in an empty area', () => {
    assert.deepEqual(scanLog(image(4)), { records: [], stop: { at: 0, why: 'empty' }, behind: [] });
  });

  it('ends at the first empty sector', () => {
    const { records, stop } = scanLog(image(6, append(0, 1), append(1, 1), append(2, 4)));
    assert.deepEqual(
      records.map((r) => r.epoch),
      [1, 1, 4],
    );
    assert.deepEqual(stop, { at: 3, why: 'empty' });
  });

  it('takes a full area for a whole log', () => {
    assert.deepEqual(scanLog(image(2, append(0, 1), append(1, 1))).stop, { at: 2, why: 'full' });
  });

  it('does not take in a stale record behind the tail', () => {
    const { records, stop, behind } = scanLog(image(6, append(0, 1), append(2, 1), append(3, 1)));
    assert.equal(records.length, 1);
    assert.deepEqual(stop, { at: 1, why: 'empty' });
    assert.deepEqual(
      behind.map((r) => r.seq),
      [2, 3],
    );
  });

  it('ends at a record that stands in the wrong sector', () => {
    const bytes = image(4, append(0, 1));
    bytes.set(encodeRecord(append(7, 1)), RECORD_BYTES);
    assert.deepEqual(scanLog(bytes).stop, { at: 1, why: 'sequence', found: append(7, 1) });
  });

  it('ends at a torn sector, and says so', () => {
    const bytes = image(4, append(0, 1), append(1, 1));
    bytes.fill(0, RECORD_BYTES + 256, 2 * RECORD_BYTES);
    const { records, stop } = scanLog(bytes);
    assert.equal(records.length, 1);
    assert.deepEqual(stop, { at: 1, why: 'damaged', detail: 'its checksum does not match' });
  });

  it('ends where an epoch goes back: a record of a former owner over one of the new owner', () => {
    const bytes = image(4, append(0, 1), append(1, 4), append(2, 1, 'late'));
    assert.deepEqual(scanLog(bytes).stop, { at: 2, why: 'epoch', found: append(2, 1, 'late') });
  });

  it('is the same in pieces of any number of sectors', () => {
    const bytes = image(9, append(0, 1), append(1, 1), append(2, 1), append(3, 5), append(4, 5));
    for (const sectors of [1, 2, 3, 4, 9]) {
      const scan = new LogScan();
      for (let at = 0; at < bytes.length; at += sectors * RECORD_BYTES) {
        if (!scan.feed(bytes.subarray(at, at + sectors * RECORD_BYTES))) break;
      }
      assert.deepEqual([scan.records.length, scan.stop], [5, { at: 5, why: 'empty' }], `${sectors} sectors`);
    }
  });
});
