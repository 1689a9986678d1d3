import type { AreaReading, Header, NodeSlot, OwnershipRecord } from '../protocol/types.ts';
import { decodeArea } from './area.ts';
import { encodeHeader } from './header.ts';
import type { SectorBytes } from './layout.ts';
import { encodeRecord } from './record.ts';
import { encodeSlot } from './slot.ts';

/** One area of three slots with something in every field, for the tests of this folder. */
export const CLUSTER = '000102030405060708090a0b0c0d0e0f';
export const OTHER_CLUSTER = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
export const INCARNATION = '102132435465768798a9bacbdcedfe0f';
/** 2026-01-02T03:04:05.678Z */
export const WALL_MS = 1767323045678;

export const RECORD: OwnershipRecord = {
  status: 1,
  node: 'server-2',
  epoch: 2 ** 40 + 1,
  incarnation: INCARNATION,
  count: 0x11223344,
  successor: 'server-3',
  pause: null,
};

export function headerOf(sectorBytes: SectorBytes): Header {
  const timings = { intervalMs: 1000, misses: 5, settleMs: 1001, deadlineMs: 500, stopGraceMs: 1002 };
  return { clusterId: CLUSTER, sectorBytes, slots: 3, mode: 'plain', timings };
}

export const SLOTS: readonly NodeSlot[] = [
  { node: 'server-1', incarnation: 'ab'.repeat(16), counter: 77, role: 'standby', epoch: 2 ** 40 + 1 },
  { node: 'server-2', incarnation: INCARNATION, counter: 1234567, role: 'owner', epoch: 2 ** 40 + 1 },
  { node: 'server-3', incarnation: '0'.repeat(32), counter: 0, role: 'none', epoch: 0 },
];

/** The five sectors of that area, in order. */
export function sectorsOf(sectorBytes: SectorBytes): Uint8Array[] {
  const framing = { clusterId: CLUSTER, sectorBytes, wallMs: WALL_MS };
  return [
    encodeHeader(headerOf(sectorBytes), WALL_MS),
    encodeRecord(RECORD, framing),
    ...SLOTS.map((slot) => encodeSlot(slot, framing)),
  ];
}

/** Every reading of an area, in the order of its sectors. */
export function readingsOf(
  area: AreaReading,
): (AreaReading['header'] | AreaReading['record'] | AreaReading['slots'][number])[] {
  return [area.header, area.record, ...area.slots];
}

export function readArea(sectors: readonly Uint8Array[], sectorBytes: SectorBytes): AreaReading {
  return decodeArea(Buffer.concat(sectors), sectorBytes, sectors.length - 2);
}
