import { frameOf } from '../area/block.ts';
import type { AreaReading, Header, NodeSlot, OwnershipRecord, Reading, Timings } from '../protocol/types.ts';
import {
  type Ownership,
  ownership,
  ownershipState,
  pauseText,
  shortIncarnation,
  timingsLine,
} from './describe.ts';
import { fields, table, wallTime } from './output.ts';

/** What `arbiter status URI --json` prints. */
export interface AreaStatus {
  source: 'area';
  uri: string;
  cluster: string;
  sectorBytes: number;
  mode: string;
  timings: Timings;
  /** The header is still the one that was read first. */
  headerUnchanged: boolean;
  /** Time between the two readings that `alive` is told from. */
  observedMs: number;
  record: {
    state: Ownership;
    summary: string;
    alive: boolean;
    written: string | null;
  } & Partial<OwnershipRecord>;
  nodes: readonly SlotStatus[];
}

interface SlotStatus extends Partial<NodeSlot> {
  index: number;
  state: 'valid' | 'null' | 'damaged';
  /** Changed between the two readings. */
  alive: boolean;
  written: string | null;
  why?: string;
}

/** Owners and standbys write every T; one and a half of it leaves room for one that is a little late. */
export function observationMs({ timings }: Header): number {
  return Math.ceil(1.5 * timings.intervalMs);
}

/** Two readings, `observationMs` apart, as one status: whatever changed in between is alive. */
export function areaStatus(uri: string, header: Header, before: AreaReading, after: AreaReading): AreaStatus {
  const { clusterId: cluster, sectorBytes, mode, timings } = header;
  return {
    source: 'area',
    uri,
    cluster,
    sectorBytes,
    mode,
    timings,
    headerUnchanged: after.header.bytes === before.header.bytes,
    observedMs: observationMs(header),
    record: {
      state: ownershipState(after.record),
      summary: ownership(after.record),
      alive: after.record.bytes !== before.record.bytes,
      written: writtenOf(after.record),
      ...(after.record.kind === 'valid' ? after.record.value : {}),
    },
    nodes: after.slots.map((slot, index) => ({
      index,
      state: slot.kind,
      alive: slot.bytes !== before.slots[index]?.bytes,
      written: writtenOf(slot),
      ...(slot.kind === 'valid' ? slot.value : {}),
      ...(slot.kind === 'damaged' ? { why: slot.why } : {}),
    })),
  };
}

/** The same for people, in 80 columns. */
export function areaLines(status: AreaStatus): string[] {
  const { record, nodes } = status;
  const moving = (alive: boolean): string => (alive ? 'alive' : 'silent');
  const owner = record.state === 'owned' ? `${record.summary}, ${moving(record.alive)}` : record.summary;
  const damage = nodes.flatMap(({ index, why }) =>
    why === undefined ? [] : [`slot ${index}: damaged: ${why}`],
  );
  return [
    ...fields([
      ['area', status.uri],
      ['cluster', status.cluster],
      ['timings', timingsLine(status.timings)],
      ['owner', owner],
      ...pauseFields(record),
      ...recordFields(record),
    ]),
    ...(status.headerUnchanged ? [] : ['header   changed while it was watched: look again']),
    '',
    ...table([SLOT_TITLES, ...nodes.map((node) => slotRow(node, record.epoch ?? 0, moving))], 1),
    ...damage,
    `alive: changed within ${status.observedMs} ms; silent: did not.`,
  ];
}

const SLOT_TITLES = ['slot', 'node', 'role', 'epoch', 'counter', 'incarnation', 'seen'];

function slotRow(slot: SlotStatus, lastEpoch: number, moving: (alive: boolean) => string): string[] {
  const { index, state, node = '', incarnation = '' } = slot;
  if (state === 'null') return [String(index), '(free)', '', '', '', '', ''];
  if (state === 'damaged') return [String(index), '(damaged)', '', '', '', '', moving(slot.alive)];
  if (/^0+$/.test(incarnation)) return [String(index), node, '', '', '', '', 'never'];
  const numbers = [String(slot.epoch), String(slot.counter), shortIncarnation(incarnation)];
  // Nobody wrote this slot again after somebody else had taken over.
  const role = slot.role === 'owner' && slot.epoch! < lastEpoch ? 'was owner' : (slot.role ?? '');
  return [String(index), node, role, ...numbers, moving(slot.alive)];
}

/** In capitals, for it must not be overlooked: a dead owner stays without a successor. */
function pauseFields({ pause }: AreaStatus['record']): [string, string][] {
  if (pause === undefined || pause === null) return [];
  return [['PAUSED', `${pauseText(pause)}: nobody takes over`]];
}

function recordFields({ count, incarnation, written }: AreaStatus['record']): [string, string][] {
  if (count === undefined || incarnation === undefined) return [];
  const by = `count ${count}, incarnation ${shortIncarnation(incarnation)}`;
  return [['record', written === null ? by : `${by}, ${written}`]];
}

function writtenOf(reading: Reading<unknown>): string | null {
  if (reading.kind !== 'valid') return null;
  return wallTime(frameOf(Buffer.from(reading.bytes, 'latin1')).wallMs) || null;
}
