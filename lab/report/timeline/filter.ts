import type { Events } from './events.ts';
import { sentence } from './sentences.ts';
import type { Viewport } from './viewport.ts';

export interface Filter {
  /** Sources that are shown. */
  sources: ReadonlySet<string>;
  /** Heartbeats, observations, writes and appends that went well are shown too. */
  routine: boolean;
  /** An event that is let through whatever else is asked for. */
  selected: number | undefined;
  /** Every word of it has to be in the sentence; small and capital letters are the same. */
  text: string;
}

/** Filters the events of one report; remembers their sentences, so that only the first search has to make them. */
export class EventFilter {
  readonly #events: Events;
  readonly #texts: string[] = [];

  constructor(events: Events) {
    this.#events = events;
  }

  /** The numbers of the events within `view` that the filter lets through. */
  within(view: Viewport, filter: Filter): Uint32Array {
    const words = filter.text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const first = this.#events.firstAt(view.from);
    const found = new Uint32Array(this.#events.firstAt(view.to) - first);
    let count = 0;
    for (let n = 0; n < found.length; n++) {
      const i = first + n;
      if (i === filter.selected || this.#passes(i, filter, words)) found[count++] = i;
    }
    return found.subarray(0, count);
  }

  #passes(i: number, { sources, routine }: Filter, words: readonly string[]): boolean {
    if (!sources.has(this.#events.source(i)) || (!routine && isRoutine(this.#events, i))) return false;
    return words.every((word) => this.#text(i).includes(word));
  }

  #text(i: number): string {
    return (this.#texts[i] ??= `${this.#events.source(i)} ${sentence(this.#events, i)}`.toLowerCase());
  }
}

/** What happens all the time when all is well. */
function isRoutine(events: Events, i: number): boolean {
  switch (events.event(i)) {
    case 'lease':
    case 'observed':
    case 'connected':
    case 'disconnected':
      return true;
    case 'write':
    case 'append':
      return events.field(i, 'outcome') === 'ok';
    case 'quorum-write':
      return events.field(i, 'outcome') === 'ok';
    default:
      return false;
  }
}
