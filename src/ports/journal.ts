import type { Fencing } from './data-access.ts';
import type { ProtocolEntry } from '../protocol/types.ts';

/**
 * The agent's journal: JSON lines on standard output, one event a line, version 1. Every line has `v`, `n` (its
 * number in the life of this agent, from 1 on; a line that was dropped keeps its own), `t` (monotonic nanoseconds), `wall` (ISO 8601, for people only), `node`, `incarnation` and `event`. Fields that are instants end in
 * `At` and are monotonic nanoseconds too; durations end in `Ms`.
 */
export type JournalEntry =
  | ProtocolEntry
  | {
      event: 'agent-started';
      version: string;
      pid: number;
      guardPid: number | null;
      cluster: string;
      index: number;
      protocol: 'safe' | 'literal';
      fencing: Fencing;
      guard: boolean;
      intervalMs: number;
      misses: number;
      settleMs: number;
      deadlineMs: number;
      stopGraceMs: number;
    }
  /**
   * The agent woke up so much later than it was to, and by more than T/2: the machine did not run it, or something had
   * stopped it. Nothing is decided by this; whoever asks why something came too late finds it here.
   */
  | { event: 'late'; dueAt: number; lateMs: number }
  /** Lines that could not be written because the reader of standard output did not keep up, or the disk was full. */
  | { event: 'journal-dropped'; lines: number };

export type JournalLine = {
  v: 1;
  n: number;
  t: number;
  wall: string;
  node: string;
  incarnation: string;
} & JournalEntry;

export interface Journal {
  /** Never blocks and never throws: a blocked journal may not delay a heartbeat. */
  write(entry: JournalEntry): void;
  /** Resolves when everything written so far is out, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>;
}
