import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hexdump } from '../bytes/hexdump.ts';
import { headerOf, readArea, readingsOf, RECORD, sectorsOf, SLOTS } from './area.fixture.ts';
import { SECTOR_SIZES } from './layout.ts';

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
