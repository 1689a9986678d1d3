import type { JournalLine } from '../../src/ports/journal.ts';
import type { History, LabEvent } from '../history/events.ts';
import { activeIntervals } from '../history/leases.ts';
import type { ServerTrack, Span } from './timeline/model.ts';

type Moment = JournalLine | Extract<LabEvent, { event: 'process-ended' }>;

/** What each server was doing, by its own journal and by the ends of its processes. */
export function serverTracks(history: History, originT: number, endT: number): ServerTrack[] {
  const intervals = activeIntervals(history);
  return [...history.journals].map(([server, lines]) => {
    const ends = history.lab.filter((e) => e.event === 'process-ended' && e.server === server) as Moment[];
    const moments = [...lines, ...ends].sort((a, b) => a.t - b.t);
    const active = intervals
      .filter((interval) => interval.server === server)
      .map(({ fromT, toT, epoch, endedBy }): Span => {
        const detail = `active and within its lease; ${endings[endedBy]}`;
        return { from: fromT - originT, to: Math.min(toT, endT) - originT, kind: 'active', epoch, detail };
      });
    return {
      server,
      roles: rolesOf(moments, originT, endT),
      active,
      services: servicesOf(moments, originT, endT),
    };
  });
}

const endings = {
  lease: 'it ended with the lease',
  role: 'it ended when the server left the role',
  process: 'it ended with the process',
  history: 'it lasted until the end',
};

function rolesOf(moments: readonly Moment[], originT: number, endT: number): Span[] {
  const spans = new Spans(originT);
  for (const moment of moments) {
    if (moment.event === 'agent-started') spans.begin(moment.t, 'starting', 0, 'the agent started');
    if (moment.event === 'role') {
      // The published method starts as a standby and has nothing to say about it.
      spans.wasRather(moment.from);
      spans.begin(moment.t, moment.to, moment.epoch, `${moment.rule}: ${moment.reason}`);
    }
    if (moment.event === 'ended' || moment.event === 'process-ended') spans.end(moment.t);
  }
  return spans.all(endT);
}

function servicesOf(moments: readonly Moment[], originT: number, endT: number): Span[] {
  const spans = new Spans(originT);
  for (const moment of moments) {
    if (moment.event === 'service') {
      const { t, phase, epoch, reason } = moment;
      if (phase === 'ended' || phase === 'failed') spans.end(t);
      else spans.begin(t, phase, epoch, reason);
    }
    if (moment.event === 'process-ended' || moment.event === 'agent-started') spans.end(moment.t);
  }
  return spans.all(endT);
}

/** Spans that follow each other; at most one is open. */
export class Spans {
  readonly #originT: number;
  readonly #done: Span[] = [];
  #open: Span | undefined;

  constructor(originT: number) {
    this.#originT = originT;
  }

  begin(t: number, kind: string, epoch: number, detail: string): void {
    this.end(t);
    this.#open = { from: t - this.#originT, to: Infinity, kind, epoch, detail };
  }

  /** The first span's kind, when only its end tells it. */
  wasRather(kind: string): void {
    if (this.#open !== undefined && this.#open.kind === 'starting') this.#open.kind = kind;
  }

  end(t: number): void {
    if (this.#open === undefined) return;
    this.#done.push({ ...this.#open, to: t - this.#originT });
    this.#open = undefined;
  }

  all(endT: number): Span[] {
    this.end(endT);
    return this.#done;
  }
}
