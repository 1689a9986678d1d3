import type { Action } from '../timeline/keys.ts';
import type { FaultBand } from '../timeline/model.ts';
import type { Scene } from '../timeline/scene.ts';
import { around, moved, type Viewport, wholeRun, within, zoomed } from '../timeline/viewport.ts';
import { endOf } from '../timeline/words.ts';

const ZOOM = 0.6;
const STEP = 0.25;
const CLOSE_NS = 1e9;

/** What is shown and what is selected; everything on the page follows it. */
export class State {
  readonly scene: Scene;
  readonly whole: Viewport;
  view: Viewport;
  /** Number of the selected event. */
  selected: number | undefined;
  /** What was jumped to, for a person who cannot see it. */
  announcement = '';
  readonly #listeners: (() => void)[] = [];
  #violation = -1;
  #faultAt: number | undefined;
  #scheduled = false;

  constructor(scene: Scene) {
    this.scene = scene;
    this.whole = wholeRun(scene.data.fromNs, scene.data.toNs);
    this.view = this.whole;
  }

  /** `listener` is called once a frame in which anything changed. */
  subscribe(listener: () => void): void {
    this.#listeners.push(listener);
  }

  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      for (const listener of this.#listeners) listener();
    });
  }

  show(view: Viewport): void {
    this.view = within(view, this.whole);
    this.changed();
  }

  zoom(factor: number, at?: number): void {
    const selectedAt = this.selected === undefined ? undefined : this.scene.events.at[this.selected];
    const seen = selectedAt !== undefined && selectedAt >= this.view.from && selectedAt <= this.view.to;
    const middle = (this.view.from + this.view.to) / 2;
    this.show(zoomed(this.view, this.whole, factor, at ?? (seen ? selectedAt : middle)));
  }

  /** Selects an event, and moves to it where it is out of sight. */
  select(i: number | undefined): void {
    this.selected = i;
    const at = i === undefined ? undefined : this.scene.events.at[i]!;
    if (at !== undefined && (at < this.view.from || at > this.view.to)) {
      const half = (this.view.to - this.view.from) / 2;
      this.view = within({ from: at - half, to: at + half }, this.whole);
    }
    this.changed();
  }

  /** Shows the surroundings of an instant and selects what happened at it. */
  jumpTo(at: number, says: string): void {
    const { events } = this.scene;
    this.view = around(this.whole, at, at, CLOSE_NS);
    const next = events.firstAt(at);
    this.selected = Math.max(0, Math.min(events.length - 1, events.at[next] === at ? next : next - 1));
    this.announcement = says;
    this.changed();
  }

  act(action: Action): void {
    switch (action) {
      case 'zoom-in':
        return this.zoom(ZOOM);
      case 'zoom-out':
        return this.zoom(1 / ZOOM);
      case 'earlier':
        return this.show(moved(this.view, this.whole, -STEP));
      case 'later':
        return this.show(moved(this.view, this.whole, STEP));
      case 'whole':
        return this.show(this.whole);
      case 'start':
        return this.show(within({ from: this.whole.from, to: this.whole.from + this.#width }, this.whole));
      case 'end':
        return this.show(within({ from: this.whole.to - this.#width, to: this.whole.to }, this.whole));
      case 'violation':
        return this.#nextViolation();
      case 'next-fault':
        return this.#fault(this.#faults.find((f) => f.requested > this.#middle + 1));
      case 'previous-fault':
        return this.#fault(this.#faults.findLast((f) => f.requested < this.#middle - 1));
      default:
    }
  }

  get #width(): number {
    return this.view.to - this.view.from;
  }

  #nextViolation(): void {
    const { violations } = this.scene.data;
    if (violations.length === 0) {
      this.announcement = 'no violation with an instant was found';
      return this.changed();
    }
    this.#violation = (this.#violation + 1) % violations.length;
    const { checker, at, sentence } = violations[this.#violation]!;
    this.jumpTo(at, `violation ${this.#violation + 1} of ${violations.length}, ${checker}: ${sentence}`);
  }

  /** Where faults are looked for from: the last one jumped to, as long as it is still in the middle. */
  get #middle(): number {
    const at = this.#faultAt;
    if (at !== undefined && at >= this.view.from && at <= this.view.to) return at;
    return this.view.from === this.whole.from ? -Infinity : (this.view.from + this.view.to) / 2;
  }

  get #faults(): FaultBand[] {
    return [...this.scene.data.faults].sort((a, b) => a.requested - b.requested);
  }

  #fault(fault: FaultBand | undefined): void {
    if (fault === undefined) {
      this.announcement = 'there is no further fault';
      return this.changed();
    }
    this.#faultAt = fault.requested;
    this.view = around(this.whole, fault.requested, endOf(fault, this.scene.data.toNs), CLOSE_NS / 5);
    this.selected = this.scene.events.firstAt(fault.requested);
    this.announcement = `fault ${fault.id}: ${fault.fault} on ${fault.target}`;
    this.changed();
  }
}
