import type { JournalLine } from '../../src/ports/journal.ts';
import type { History, LabEvent } from './events.ts';

/** A stretch of time in which a server was active and within its lease; monotonic nanoseconds, `toT` excluded. */
export interface ActiveInterval {
  server: string;
  incarnation: string;
  epoch: number;
  fromT: number;
  toT: number;
  /** What ended it. */
  endedBy: 'lease' | 'role' | 'process' | 'history';
}

/**
 * When each server was active and within its lease, by its own journal, in order of time. Safe protocol: from the
 * first acknowledged lease of an active stretch until that lease's end, or earlier when the server left the role and
 * its service had ended, or its process ended; a lease that lapsed and was renewed all the same begins a second stretch. Literal protocol: it
 * has no lease, so the role alone counts. The role `active` begins at R4, before the service is let in (R7).
 */
export function activeIntervals(history: History): ActiveInterval[] {
  const endT = endOfHistory(history);
  const intervals: ActiveInterval[] = [];
  for (const [server, lines] of history.journals) {
    const stretch = new Stretches(server, endT);
    for (const moment of mergedWithEnds(server, lines, history.lab)) stretch.take(moment);
    intervals.push(...stretch.finish());
  }
  return intervals.filter((i) => i.toT > i.fromT).sort((a, b) => a.fromT - b.fromT);
}

/** The last instant anything of the history speaks of. */
export function endOfHistory(history: History): number {
  let end = 0;
  const look = (lines: readonly { t: number }[]) => {
    for (const line of lines) end = Math.max(end, line.t);
  };
  look(history.lab);
  look(history.client);
  look(history.audit);
  for (const lines of history.journals.values()) look(lines);
  return end;
}

type Moment = JournalLine | Extract<LabEvent, { event: 'process-ended' }>;

function mergedWithEnds(server: string, lines: readonly JournalLine[], lab: readonly LabEvent[]): Moment[] {
  const ends = lab.filter((event) => event.event === 'process-ended' && event.server === server);
  return [...lines, ...(ends as Moment[])].sort((a, b) => a.t - b.t);
}

/** Walks through one server's journal; at most one stretch is open at a time. */
class Stretches {
  readonly #server: string;
  readonly #endT: number;
  readonly #done: ActiveInterval[] = [];
  #literal = false;
  #open: ActiveInterval | undefined;
  /** When the server became active; undefined while it is not. */
  #activeT: number | undefined;
  #lease: Extract<JournalLine, { event: 'lease' }> | undefined;
  /** A service was begun and is not known to have ended. */
  #serves = false;
  #isStopping = false;

  constructor(server: string, endT: number) {
    this.#server = server;
    this.#endT = endT;
  }

  take(moment: Moment): void {
    switch (moment.event) {
      case 'agent-started':
        this.#literal = moment.protocol === 'literal';
        this.#leave(moment.t, 'process');
        break;
      case 'process-ended':
      case 'ended':
        this.#leave(moment.t, 'process');
        break;
      case 'role':
        this.#role(moment);
        break;
      case 'service':
        this.#service(moment);
        break;
      case 'lease':
        this.#renew(moment);
        break;
      default:
    }
  }

  finish(): ActiveInterval[] {
    if (this.#literal) this.#leave(this.#endT, 'history');
    else this.#leave(Infinity, 'history');
    return this.#done;
  }

  /** Whoever stops is active until its service has ended: that goes on writing, for up to `stopGrace`. */
  #role(moment: Extract<JournalLine, { event: 'role' }>): void {
    this.#isStopping = moment.to === 'stopping' && this.#serves && !this.#literal;
    if (moment.to === 'active') this.#enter(moment);
    else if (!this.#isStopping) this.#leave(moment.t, 'role');
  }

  #service({ phase, t }: Extract<JournalLine, { event: 'service' }>): void {
    if (phase === 'stopping') return;
    this.#serves = phase === 'starting' || phase === 'started';
    if (!this.#serves && this.#isStopping) this.#leave(t, 'role');
  }

  #enter(moment: Extract<JournalLine, { event: 'role' }>): void {
    this.#activeT = moment.t;
    if (this.#literal) this.#begin(moment, moment.t, Infinity, 'history');
    // The lease may be told just before the role it came with.
    const lease = this.#lease;
    if (lease !== undefined && lease.epoch === moment.epoch && lease.incarnation === moment.incarnation)
      this.#renew(lease);
  }

  #renew(lease: Extract<JournalLine, { event: 'lease' }>): void {
    this.#lease = lease;
    if (this.#activeT === undefined || this.#literal) return;
    const fromT = Math.max(this.#activeT, lease.writtenAt);
    if (this.#open !== undefined && fromT < this.#open.toT) {
      this.#open.toT = Math.max(this.#open.toT, lease.endsAt);
    } else {
      this.#close(Infinity, 'lease');
      this.#begin(lease, fromT, lease.endsAt, 'lease');
    }
  }

  #begin(
    line: { incarnation: string; epoch: number },
    fromT: number,
    toT: number,
    endedBy: ActiveInterval['endedBy'],
  ): void {
    const { incarnation, epoch } = line;
    this.#open = { server: this.#server, incarnation, epoch, fromT, toT, endedBy };
  }

  #close(t: number, endedBy: ActiveInterval['endedBy']): void {
    if (this.#open === undefined) return;
    if (t < this.#open.toT) {
      this.#open.toT = t;
      this.#open.endedBy = endedBy;
    }
    this.#done.push(this.#open);
    this.#open = undefined;
  }

  #leave(t: number, why: ActiveInterval['endedBy']): void {
    this.#close(t, why);
    this.#activeT = undefined;
    this.#lease = undefined;
    this.#isStopping = false;
    if (why === 'process') this.#serves = false;
  }
}
