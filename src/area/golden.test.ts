import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hexdump } from '../bytes/hexdump.ts';
import {
  CLUSTER,
  headerOf,
  readArea,
  readingsOf,
  RECORD,
  sectorsOf,
  SLOTS,
  WALL_MS,
} from './area.fixture.ts';
import { SECTOR_SIZES } from './layout.ts';
import { encodeRecord } from './record.ts';

// The format on the disk, byte by byte: areas are read by agents of other versions. UPDATE_GOLDEN=1 writes the dumps
// anew; a changed dump is a changed format and needs a new VERSION.
describe('the quorum area on the disk', () => {
  for (const sectorBytes of SECTOR_SIZES) {
    const file = fileURLToPath(new URL(`golden/area-${sectorBytes}.hexdump`, import.meta.url));

    it(`is, in sectors of ${sectorBytes} bytes, what golden/area-${sectorBytes}.hexdump says`, () => {
      const dump = `${hexdump(Buffer.concat(sectorsOf(sectorBytes))).join('\n')}\n`;
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, dump);
      assert.equal(dump, readFileSync(file, 'utf8'));
    });

    it(`reads back from that dump (${sectorBytes})`, () => {
      const bytes = bytesOfDump(readFileSync(file, 'utf8'));
      const sectors = [0, 1, 2, 3, 4].map((i) => bytes.subarray(i * sectorBytes, (i + 1) * sectorBytes));
      const values = readingsOf(readArea(sectors, sectorBytes)).map((reading) =>
        reading.kind === 'valid' ? reading.value : reading,
      );
      assert.deepEqual(values, [headerOf(sectorBytes), RECORD, ...SLOTS]);
    });
  }
});

describe('a pause on the disk (R10)', () => {
  const framing = { clusterId: CLUSTER, sectorBytes: 512, wallMs: WALL_MS };

  it('lies in bytes that are zero without one, so that every other record is what it always was', () => {
    const pause = { by: 'server-1', sinceWallMs: 0x0102030405 };
    const paused = Buffer.from(encodeRecord({ ...RECORD, pause }, framing));
    const before = Buffer.from(encodeRecord(RECORD, framing));
    const changed = [...paused.keys()].filter((i) => paused[i] !== before[i] && i < 508);
    assert.deepEqual(
      changed.map((i) => before[i]),
      changed.map(() => 0),
    );
    assert.equal(
      paused.subarray(140, 180).toString('latin1'),
      `server-1${'\0'.repeat(27)}\x01\x02\x03\x04\x05`,
    );
    assert.deepEqual([changed[0], changed.at(-1)], [140, 179]);
  });

  it('is written for nobody else than a node', () => {
    const write = (by: string) => encodeRecord({ ...RECORD, pause: { by, sinceWallMs: 1 } }, framing);
    assert.throws(() => write(''), /a pause needs a node/);
    assert.throws(() => write('Server'), /paused by 'Server' is not a node name/);
  });
});

function bytesOfDump(dump: string): Uint8Array {
  const lines = dump.trimEnd().split('\n');
  const bytes = new Uint8Array(Number.parseInt(lines.at(-1)!, 16));
  for (const line of lines) {
    if (line === '*' || !line.includes('|')) continue;
    bytes.set(
      Buffer.from(line.slice(10, 57).replaceAll(' ', ''), 'hex'),
      Number.parseInt(line.slice(0, 8), 16),
    );
  }
  return bytes;
}
