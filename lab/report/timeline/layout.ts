import type { FaultBand, ReportData } from './model.ts';
import { endOf } from './words.ts';

type RowKind =
  'fault' | 'takeover' | 'lab' | 'role' | 'lease' | 'service' | 'append' | 'gate' | 'quorum' | 'data';

/** One strip of the timeline; pixels from its top. */
export interface Row {
  kind: RowKind;
  /** The server it is about; '' where it is about none. */
  server: string;
  label: string;
  top: number;
  height: number;
}

/** Rows that belong together under one name: a server, the client, the storage. */
interface Lane {
  name: string;
  top: number;
  height: number;
  rows: readonly Row[];
}

export interface Layout {
  lanes: readonly Lane[];
  rows: readonly Row[];
  height: number;
  /** Row of each fault, by its number. */
  faultRow: ReadonlyMap<number, Row>;
}

export const AXIS_HEIGHT = 26;
const LANE_GAP = 9;
const ROW_GAP = 3;

/** Where everything stands, from top to bottom. */
export function layoutOf(data: ReportData): Layout {
  const lanes: Lane[] = [];
  let top = AXIS_HEIGHT;
  const lane = (name: string, rows: [kind: RowKind, server: string, label: string, height: number][]) => {
    const start = top;
    const placed = rows.map(([kind, server, label, height]): Row => {
      const row = { kind, server, label, top, height };
      top += height + ROW_GAP;
      return row;
    });
    if (placed.length > 0) lanes.push({ name, top: start, height: top - ROW_GAP - start, rows: placed });
    top += placed.length > 0 ? LANE_GAP - ROW_GAP : 0;
  };
  const stacks = stacked(data.faults, data.toNs);
  lane(
    'faults',
    stacks.map(() => ['fault', '', '', 18]),
  );
  lane('takeovers', data.takeovers.length > 0 ? [['takeover', '', '', 18]] : []);
  lane('lab', [['lab', '', '', 16]]);
  for (const server of data.servers) {
    lane(server, [
      ['role', server, 'role', 18],
      ['lease', server, 'lease', 14],
      ['service', server, 'service', 12],
    ]);
  }
  lane('client', [['append', '', 'appends', 44]]);
  lane('storage', [
    ['gate', '', 'gate', 15],
    ['quorum', '', 'record', 15],
    ...data.servers.map((server): [RowKind, string, string, number] => ['data', server, server, 17]),
  ]);
  const faultRows = lanes.find(({ name }) => name === 'faults')?.rows ?? [];
  const faultRow = new Map(stacks.flatMap((faults, n) => faults.map((fault) => [fault.id, faultRows[n]!])));
  return { lanes, rows: lanes.flatMap(({ rows }) => rows), height: top, faultRow };
}

/** Faults that are in force together go into rows of their own. */
function stacked(faults: readonly FaultBand[], toNs: number): FaultBand[][] {
  const stacks: FaultBand[][] = [];
  for (const fault of [...faults].sort((a, b) => a.requested - b.requested)) {
    const free = stacks.find((stack) => endOf(stack.at(-1)!, toNs) <= fault.requested);
    if (free === undefined) stacks.push([fault]);
    else free.push(fault);
  }
  return stacks;
}
