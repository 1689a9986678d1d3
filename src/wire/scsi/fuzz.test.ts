import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseCapacity10, parseCapacity16 } from './capacity.ts';
import {
  parseBlockLimits,
  parseDeviceIdentification,
  parseStandardInquiry,
  parseSupportedPages,
  parseUnitSerialNumber,
  VPD_PAGE,
} from './inquiry.ts';
import { parseModeSense6 } from './mode-sense.ts';
import {
  parseFullStatus,
  parseKeys,
  parseReservation,
  parseReservationCapabilities,
  parseReserveOut,
} from './persistent-reserve-data.ts';
import { parseReportLuns } from './report-luns.ts';
import { MalformedScsiData } from './request.ts';
import { describeSense, parseSense } from './sense.ts';
import { parseSupportedOperation } from './supported-operation.ts';

const readers: Readonly<Record<string, (data: Uint8Array) => unknown>> = {
  parseCapacity10,
  parseCapacity16,
  parseStandardInquiry,
  parseSupportedPages,
  parseUnitSerialNumber,
  parseDeviceIdentification,
  parseBlockLimits,
  parseModeSense6,
  parseKeys,
  parseReservation,
  parseReservationCapabilities,
  parseFullStatus,
  parseReserveOut: (data) => parseReserveOut(Uint8Array.of(0x5f, 0), data),
  parseReportLuns,
  parseSupportedOperation,
  parseSense: (data) => {
    const sense = parseSense(data);
    return sense && describeSense(sense);
  },
};

/** Bytes of which lengths are now and then right: small numbers, many zeroes, pages that were asked for. */
const data = fc.array(
  fc.oneof(
    fc.constantFrom(0, 0, 0, 1, 5, 8, 16, ...Object.values(VPD_PAGE), 0x70, 0x72, 0xff),
    fc.integer({ min: 0, max: 255 }),
  ),
  { maxLength: 96 },
);
const runs = Math.ceil(1000 * Number(process.env['FUZZ_FACTOR'] ?? 1));

/** Numbers and words in it, however deep: no more of them than there were bytes. */
function leaves(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, each) => sum + leaves(each), 0);
}

describe('data of a logical unit, whatever it is', function () {
  this.timeout(30_000);

  for (const [name, read] of Object.entries(readers)) {
    it(`is read by ${name}, or is malformed`, () => {
      fc.assert(
        fc.property(data, (bytes) => {
          try {
            assert.ok(leaves(read(Uint8Array.from(bytes))) <= bytes.length + 8);
          } catch (error) {
            if (!(error instanceof MalformedScsiData)) throw error;
          }
        }),
        { numRuns: runs },
      );
    });
  }
});
