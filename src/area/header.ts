import type { Reader } from '../bytes/cursor.ts';
import type { Header, Reading, Timings } from '../protocol/types.ts';
import { decodeBlock, encodeBlock, frameOf, InvalidField } from './block.ts';
import { putChoice, takeChoice } from './field.ts';
import { isSectorBytes, MAX_SLOTS, SECTOR_SIZES } from './layout.ts';

/**
 * The header's fields, from byte 40 on; the sector size stands in the frame:
 *
 *   40   4  mode: 0 plain, 1 compare-and-write
 *   44   4  slots
 *   48   4  intervalMs (T)
 *   52   4  misses (M)
 *   56   4  settleMs (S)
 *   60   4  deadlineMs (q)
 *   64   4  stopGraceMs
 */
const MODES = ['plain', 'caw'] as const;

/**
 * One sector that carries `header`. Throws RangeError for one that no `init` may write; relations between the timings
 * are the caller's business (`timingProblems`). `wallMs`: the wall clock, for people.
 */
export function encodeHeader(header: Header, wallMs = 0): Uint8Array {
  const { timings } = header;
  if (!isSlots(header.slots)) throw new RangeError(`${header.slots} slots`);
  return encodeBlock(
    'header',
    { clusterId: header.clusterId, sectorBytes: header.sectorBytes, wallMs },
    (fields) => {
      putChoice(fields, 'mode', MODES, header.mode);
      fields.u32(header.slots);
      for (const name of TIMINGS) {
        if (!isDuration(timings[name])) throw new RangeError(`${name} ${timings[name]}`);
        fields.u32(timings[name]);
      }
    },
  );
}

const TIMINGS = [
  'intervalMs',
  'misses',
  'settleMs',
  'deadlineMs',
  'stopGraceMs',
] as const satisfies (keyof Timings)[];

/** The header in `sector`, which is exactly one sector long. */
export function decodeHeader(sector: Uint8Array): Reading<Header> {
  return decodeBlock('header', sector, undefined, (fields) => {
    const { clusterId, sectorBytes } = frameOf(sector);
    if (!isSectorBytes(sectorBytes)) throw new InvalidField(`sector size ${sectorBytes}`);
    const mode = takeChoice(fields, 'mode', MODES);
    const slots = fields.u32();
    if (!isSlots(slots)) throw new InvalidField(`${slots} slots`);
    return { clusterId, sectorBytes, slots, mode, timings: takeTimings(fields) };
  });
}

/**
 * Finds the header without knowing the sector size. `bytes` is the beginning of the area: HEADER_PROBE_BYTES, or all
 * of a smaller export. When no size gives a valid header, the answer is that of the size the block itself claims,
 * or of 512 bytes.
 */
export function findHeader(bytes: Uint8Array): Reading<Header> {
  const claimed = SECTOR_SIZES.find((size) => size <= bytes.length && size === frameOf(bytes).sectorBytes);
  return decodeHeader(bytes.subarray(0, claimed ?? SECTOR_SIZES[0]));
}

function takeTimings(fields: Reader): Timings {
  const [intervalMs, misses, settleMs, deadlineMs, stopGraceMs] = TIMINGS.map((name) => {
    const value = fields.u32();
    if (!isDuration(value)) throw new InvalidField(`${name} ${value}`);
    return value;
  }) as [number, number, number, number, number];
  return { intervalMs, misses, settleMs, deadlineMs, stopGraceMs };
}

function isSlots(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_SLOTS;
}

function isDuration(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 0xffffffff;
}
