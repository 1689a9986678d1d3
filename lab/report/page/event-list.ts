import { instant } from '../timeline/axis.ts';
import { EventFilter } from '../timeline/filter.ts';
import { sentence } from '../timeline/sentences.ts';
import { byId, element, typedById } from './dom.ts';
import type { State } from './state.ts';

const ROW_PIXELS = 24;
/** Browsers stop laying out what is much higher than this. */
const MOST_PIXELS = 8_000_000;
const SPARE_ROWS = 6;

/** The events of what is shown, filtered; only the rows in sight are elements. */
export class EventList {
  readonly #state: State;
  readonly #filter: EventFilter;
  readonly #list = byId('event-list');
  readonly #rows = element('div', 'rows');
  readonly #search = typedById('event-search', HTMLInputElement);
  readonly #routine = typedById('event-routine', HTMLInputElement);
  readonly #sources: HTMLInputElement[] = [];
  #shown: Uint32Array = new Uint32Array(0);
  #key = '';
  #drawn = '';

  constructor(state: State) {
    this.#state = state;
    this.#filter = new EventFilter(state.scene.events);
    this.#list.append(this.#rows);
    const { servers } = state.scene.data;
    for (const source of ['lab', ...servers, 'client', 'storage']) this.#addSource(source);
    for (const input of [this.#search, this.#routine]) input.addEventListener('input', () => state.changed());
    this.#list.addEventListener('scroll', () => this.#draw());
    this.#rows.addEventListener('click', (event) => {
      const row = (event.target as Element).closest<HTMLElement>('[data-event]');
      if (row !== null) state.select(Number(row.dataset['event']));
    });
    new ResizeObserver(() => this.#draw()).observe(this.#list);
    state.subscribe(() => this.#update());
  }

  /** The event after (or before) the selected one in the list; the first one in it when none is selected. */
  step(by: 1 | -1): void {
    if (this.#shown.length === 0) return;
    const { selected } = this.#state;
    let at = selected === undefined ? -1 : this.#positionOf(selected);
    if (at >= 0 && this.#shown[at] === selected) at += by;
    else if (by < 0) at -= 1;
    this.#state.select(this.#shown[Math.min(this.#shown.length - 1, Math.max(0, at))]);
  }

  /** To the first or last event of the list. */
  toEdge(edge: 'first' | 'last'): void {
    this.#state.select(this.#shown.at(edge === 'first' ? 0 : -1));
  }

  #addSource(source: string): void {
    const input = document.createElement('input');
    input.type = 'checkbox';
    input.checked = true;
    input.value = source;
    input.addEventListener('input', () => this.#state.changed());
    this.#sources.push(input);
    byId('event-sources').append(element('label', 'chip', input, ` ${source}`));
  }

  #update(): void {
    const { scene, view, selected } = this.#state;
    const sources = this.#sources.filter((input) => input.checked).map((input) => input.value);
    const key = JSON.stringify([view, sources, this.#routine.checked, this.#search.value, selected]);
    if (key !== this.#key) {
      this.#key = key;
      const filter = {
        sources: new Set(sources),
        routine: this.#routine.checked,
        text: this.#search.value,
        selected,
      };
      this.#shown = this.#filter.within(view, filter);
      const within = scene.events.firstAt(view.to) - scene.events.firstAt(view.from);
      byId('event-count').textContent = `${this.#shown.length} of ${within} events in view`;
      this.#drawn = '';
    }
    if (selected !== undefined) this.#reveal(selected);
    this.#draw();
  }

  /** Scrolls only as far as it has to, and only when another event was selected. */
  #revealed: number | undefined;
  #reveal(selected: number): void {
    const at = this.#positionOf(selected);
    if (this.#revealed === selected && this.#drawn !== '') return;
    this.#revealed = selected;
    const top = at * this.#pitch;
    const { scrollTop, clientHeight } = this.#list;
    if (top < scrollTop || top + ROW_PIXELS > scrollTop + clientHeight)
      this.#list.scrollTop = Math.max(0, top - clientHeight / 2);
  }

  /** Pixels from one row to the next as the scroll bar counts them; less than a row where there are very many. */
  get #pitch(): number {
    return Math.min(ROW_PIXELS, MOST_PIXELS / Math.max(1, this.#shown.length));
  }

  #positionOf(event: number): number {
    let low = 0;
    let high = this.#shown.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#shown[middle]! < event) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #draw(): void {
    const { selected } = this.#state;
    const pitch = this.#pitch;
    const count = Math.ceil(this.#list.clientHeight / ROW_PIXELS) + 2 * SPARE_ROWS;
    const first = Math.max(
      0,
      Math.min(this.#shown.length - count, Math.floor(this.#list.scrollTop / pitch) - SPARE_ROWS),
    );
    const key = `${first} ${count} ${selected} ${this.#key}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#rows.style.height = `${Math.max(1, this.#shown.length * pitch)}px`;
    const rows: HTMLElement[] = [];
    for (let n = first; n < Math.min(this.#shown.length, first + count); n++)
      rows.push(this.#row(n, first, pitch));
    this.#rows.replaceChildren(...rows);
    const inSight = selected !== undefined && rows.some((row) => row.id === `event-${selected}`);
    if (inSight) this.#list.setAttribute('aria-activedescendant', `event-${selected}`);
    else this.#list.removeAttribute('aria-activedescendant');
  }

  #row(n: number, first: number, pitch: number): HTMLElement {
    const { scene, selected } = this.#state;
    const { events } = scene;
    const i = this.#shown[n]!;
    const source = events.source(i);
    const text = sentence(events, i);
    const row = element(
      'div',
      'event',
      element('span', 'at', instant(events.at[i]!, 6)),
      element('span', `source ${sourceClass(scene.data.servers.indexOf(source))}`, source),
      element('span', `says ${tone(text)}`, text),
    );
    row.id = `event-${i}`;
    row.dataset['event'] = String(i);
    row.style.top = `${first * pitch + (n - first) * ROW_PIXELS}px`;
    row.setAttribute('role', 'option');
    row.setAttribute('aria-posinset', String(n + 1));
    row.setAttribute('aria-setsize', String(this.#shown.length));
    row.setAttribute('aria-selected', String(i === selected));
    return row;
  }
}

function sourceClass(server: number): string {
  return server < 0 ? '' : `server-${Math.min(server, 5) + 1}`;
}

/** Sentences say in capitals what went wrong. */
function tone(text: string): string {
  return /\b(?:REFUSED|BLIND|FAILED|NOT|UNASKED)\b/.test(text) ? 'wrong' : '';
}
