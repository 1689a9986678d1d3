import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import type { Timings } from '../../src/protocol/types.ts';

/**
 * The history of one scenario: what the client saw (`client.jsonl`), what the lab did (`lab.jsonl`), what the servers
 * said (`journal-<server>.jsonl`), what the storage node wrote (`audit.jsonl`), and the disks as they were left
 * (`quorum.img`, `data.img`). Every `t` is monotonic nanoseconds of the one host.
 */
export type ClientEvent =
  | { t: number; event: 'client-started'; workers: number; servers: readonly string[] }
  | { t: number; event: 'begin'; id: string; worker: number }
  /** `ok`: acknowledged. `refused`: certainly not done. `unknown`: may or may not have been done. */
  | {
      t: number;
      event: 'end';
      id: string;
      worker: number;
      outcome: 'ok' | 'refused' | 'unknown';
      server: string | null;
      epoch: number | null;
      seq: number | null;
      attempts: number;
    }
  | { t: number; event: 'client-stopped'; operations: number };

export type LabEvent =
  | {
      t: number;
      event: 'lab-started';
      scenario: string;
      engine: string;
      storage: string;
      seed: number;
      servers: readonly string[];
      timings: Timings;
      agent: AgentMode;
      gate: GateMode;
    }
  /** One fault's life. Each proves itself: `effective` is observed, never assumed. */
  | {
      t: number;
      event: 'fault';
      id: number;
      fault: string;
      target: string;
      phase: 'requested' | 'effective' | 'healed' | 'recovered' | 'failed';
      detail: string;
    }
  /** The scenario expects this server to lose the active role from here on (the start of a takeover). */
  | {
      t: number;
      event: 'takeover-awaited';
      from: string;
      skipsDeathWait: boolean;
      sinceT: number;
      /** What happened then. */
      since?: TakeoverSince;
    }
  | {
      t: number;
      event: 'takeover-seen';
      from: string;
      to: string;
      epoch: number;
      sinceT: number;
      servingT: number;
    }
  /** A person asked something of the agent of `server`; `to`: of a hand-over. It was answered at `t`. */
  | {
      t: number;
      event: 'order';
      order: 'handover' | 'pause' | 'resume';
      server: string;
      to: string | null;
      requestedT: number;
      code: number;
      said: string;
    }
  | { t: number; event: 'takeover-missed'; from: string; sinceT: number; waitedMs: number }
  /** Everything is healed; one active server must be there again within promise (c). */
  | { t: number; event: 'healed' }
  | { t: number; event: 'serving-again'; server: string; epoch: number }
  /** What the scenario itself had to see (`otherwise` is its verdict where it did not). */
  | { t: number; event: 'expected'; what: string; met: boolean; otherwise: Verdict; detail: string }
  /** The machine did not run this process for `gapMs` more than asked. */
  | { t: number; event: 'stall'; gapMs: number }
  | {
      t: number;
      event: 'process-ended';
      server: string;
      code: number | null;
      signal: string | null;
      wanted: boolean;
    }
  | { t: number; event: 'note'; text: string }
  | { t: number; event: 'lab-ended' };

/** Where a takeover is measured from: the owner was hit, or it let go, or somebody resumed after its death. */
export type TakeoverSince = 'fault' | 'release' | 'resume';

export interface AgentMode {
  protocol: 'safe' | 'literal';
  fencing: 'gate' | 'reservation' | 'none';
  guard: boolean;
}
export interface GateMode {
  fencing: boolean;
}

export interface History {
  dir: string;
  scenario: ScenarioRecord;
  client: readonly ClientEvent[];
  lab: readonly LabEvent[];
  journals: ReadonlyMap<string, readonly JournalLine[]>;
  audit: readonly AuditLine[];
  /** The data area as it was left; undefined when it could not be collected. */
  data: Uint8Array | undefined;
  quorum: Uint8Array | undefined;
  /** Lines that could not be read, by file: a history with any is never `valid`. */
  unreadable: readonly string[];
  /** Lines cut short by the death of their writer, tolerated once for each time it was killed. */
  torn: readonly string[];
}

/** The name of what is no scenario: a lab that a person hurts. */
export const BY_HAND = 'by-hand';

/** `scenario.json` in the folder of one scenario: what was run and what has to have happened for it to mean something. */
export interface ScenarioRecord {
  name: string;
  /** In words; absent for a lab by hand. */
  claim?: string;
  file: string;
  engine: string;
  storage: string;
  seed: number;
  expected: Verdict;
  /** For canaries: the checkers that must find the violation. */
  violatedBy: readonly string[];
  /** For canaries: checkers that may find a violation besides; any other one is as wrong as none. */
  mayViolate?: readonly string[];
  /** The least that must have happened, else the run is vacuous. */
  atLeast: { takeovers?: number; acknowledged?: number; refusals?: number; lateRefusals?: number };
}

export type Verdict = 'valid' | 'violated' | 'unknown';

export interface CheckResult {
  checker: string;
  /** The claim in words, as it is checked. */
  claim: string;
  verdict: Verdict;
  /** Why: sentences with instants, servers, epochs and offsets; the first is the headline. */
  evidence: readonly string[];
  /** Of the first violation, for jumping to it. */
  atT?: number;
  /** Servers whose doing the violations are; missing where there is none, or the checker does not tell. */
  by?: readonly string[];
  counters: Readonly<Record<string, number>>;
}

export type Checker = (history: History) => CheckResult;
