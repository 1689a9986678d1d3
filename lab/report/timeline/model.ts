/**
 * What the page of a report is given, as JSON inside it. Every instant is nanoseconds since the lab began (`+3.112 s` in
 * the evidence of a verdict); what happened before that is negative. Every text in it came out of a history, and is
 * text to the page, never markup.
 */
export interface ReportData {
  version: 1;
  servers: readonly string[];
  /** First and last instant of the history. */
  fromNs: number;
  toNs: number;
  tracks: readonly ServerTrack[];
  faults: readonly FaultBand[];
  takeovers: readonly TakeoverBar[];
  storage: StorageTrack;
  /** The first violation each checker found, in order of time. */
  violations: readonly Violation[];
  events: EventTable;
}

export interface Span {
  from: number;
  to: number;
  /** A role, a phase of the service, `up`, ...: how it is drawn. */
  kind: string;
  /** Everything there is to say about it. */
  detail: string;
  /** 0 where there is none. */
  epoch: number;
}

export interface ServerTrack {
  server: string;
  roles: readonly Span[];
  /** Active and within its lease: what promise (a) is about. */
  active: readonly Span[];
  services: readonly Span[];
}

/** The life of one fault; what has not happened is null. */
export interface FaultBand {
  id: number;
  fault: string;
  target: string;
  requested: number;
  effective: number | null;
  healed: number | null;
  recovered: number | null;
  failed: number | null;
  details: readonly string[];
}

/** One takeover as it was awaited; `to` is null when nobody took over. */
export interface TakeoverBar {
  from: string;
  to: string | null;
  epoch: number;
  since: number;
  until: number;
  boundMs: number | null;
}

export interface StorageTrack {
  /** The gate's process was there. */
  gate: readonly Span[];
  /** A server had a connection to the data area, by server. */
  letIn: readonly { server: string; spans: readonly Span[] }[];
  /** A write was held by a rule (fault injection). */
  held: readonly Span[];
}

export interface Violation {
  checker: string;
  at: number;
  sentence: string;
}

/**
 * Events in columns: 100,000 of them have to fit into a page. Events of one source and name are a group; a group has a
 * column for each field. The `i`-th event overall belongs to group `order[i]`, is the next row of it, and came `dt[i]`
 * nanoseconds after the one before (the first one: after the lab began).
 */
export interface EventTable {
  groups: readonly EventGroup[];
  order: readonly number[];
  dt: readonly number[];
}

export interface EventGroup {
  /** `lab`, `client`, `storage`, or the name of a server. */
  source: string;
  event: string;
  columns: readonly (readonly [field: string, column: Column])[];
}

export type Value = string | number | boolean | null;

export type Column =
  | { all: Value }
  | { of: readonly Value[]; at: readonly number[] }
  | { each: readonly Value[] }
  /** Instants: how many nanoseconds before the event itself (or after it, where negative). */
  | { ago: readonly (number | null)[] };
