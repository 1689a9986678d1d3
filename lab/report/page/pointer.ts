import { instant } from '../timeline/axis.ts';
import { type Hit, hitOf } from '../timeline/hit.ts';
import { AXIS_HEIGHT } from '../timeline/layout.ts';
import type { Viewport } from '../timeline/viewport.ts';
import { moved } from '../timeline/viewport.ts';
import { byId, element } from './dom.ts';
import type { State } from './state.ts';

const CLICK_PIXELS = 4;
const SLACK_PIXELS = 5;

/** What the pointer does on the lanes: point, click, drag to choose a stretch, drag the axis, turn the wheel. */
export class Pointer {
  readonly #state: State;
  readonly #canvas: HTMLCanvasElement;
  readonly #timeline = byId('timeline');
  readonly #tooltip = byId('tooltip');
  readonly #cursor = byId('cursor');
  #down: { x: number; y: number; view: Viewport } | undefined;
  /** The stretch that is being chosen. */
  chosen: Viewport | undefined;

  constructor(state: State, canvas: HTMLCanvasElement) {
    this.#state = state;
    this.#canvas = canvas;
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#release(event));
    canvas.addEventListener('pointercancel', () => this.#forget());
    canvas.addEventListener('pointerleave', () => this.#hide());
    canvas.addEventListener('dblclick', (event) => state.zoom(0.4, this.#at(event.offsetX)));
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
  }

  #at(x: number): number {
    const { from, to } = this.#state.view;
    return from + (x / this.#canvas.clientWidth) * (to - from);
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#down = { x: event.offsetX, y: event.offsetY, view: this.#state.view };
    this.#canvas.setPointerCapture(event.pointerId);
    this.#timeline.focus({ preventScroll: true });
    this.#hide();
  }

  #move(event: PointerEvent): void {
    const down = this.#down;
    if (down === undefined) return this.#point(event);
    if (down.y < AXIS_HEIGHT || event.shiftKey) {
      const by = ((down.x - event.offsetX) / this.#canvas.clientWidth) * (down.view.to - down.view.from);
      this.#state.show({ from: down.view.from + by, to: down.view.to + by });
      return;
    }
    if (Math.abs(event.offsetX - down.x) < CLICK_PIXELS && this.chosen === undefined) return;
    const [from, to] = [this.#at(down.x), this.#at(event.offsetX)].sort((a, b) => a - b) as [number, number];
    this.chosen = { from, to };
    this.#state.changed();
  }

  #release(event: PointerEvent): void {
    const down = this.#down;
    const chosen = this.chosen;
    this.#forget();
    if (down === undefined) return;
    if (chosen !== undefined) this.#state.show(chosen);
    else if (Math.abs(event.offsetX - down.x) < CLICK_PIXELS) {
      const hit = this.#hit(event);
      if (hit?.event !== undefined) this.#state.select(hit.event);
    }
  }

  #forget(): void {
    this.#down = undefined;
    this.chosen = undefined;
    this.#state.changed();
  }

  /** Turning the wheel zooms once the timeline has the focus, or with Ctrl; before that it scrolls the page. */
  #wheel(event: WheelEvent): void {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.#timeline && !sideways) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (sideways) {
      const delta = (event.deltaX === 0 ? event.deltaY : event.deltaX) * pixels;
      this.#state.show(moved(this.#state.view, this.#state.whole, delta / this.#canvas.clientWidth));
    } else this.#state.zoom(Math.exp((event.deltaY * pixels) / 400), this.#at(event.offsetX));
    this.#hide();
  }

  #hit(event: PointerEvent): Hit | undefined {
    const { scene, view } = this.#state;
    const y = event.offsetY;
    const row = scene.layout.rows.find(({ top, height }) => y >= top - 1 && y <= top + height + 1);
    if (row === undefined) return undefined;
    const slack = (SLACK_PIXELS / this.#canvas.clientWidth) * (view.to - view.from);
    return hitOf(scene, row, this.#at(event.offsetX), slack);
  }

  #point(event: PointerEvent): void {
    this.#cursor.hidden = false;
    this.#cursor.style.transform = `translateX(${event.offsetX}px)`;
    const hit = this.#hit(event);
    const title = hit?.title ?? instant(this.#at(event.offsetX), 6);
    this.#tooltip.replaceChildren(
      element('strong', '', title),
      ...(hit?.lines ?? []).map((line) => element('p', '', line)),
    );
    this.#tooltip.hidden = false;
    const { clientWidth } = this.#canvas;
    const left = Math.min(event.offsetX + 14, clientWidth - this.#tooltip.offsetWidth - 4);
    this.#tooltip.style.transform = `translate(${Math.max(0, left)}px, ${event.offsetY + 18}px)`;
  }

  #hide(): void {
    this.#tooltip.hidden = true;
    this.#cursor.hidden = true;
  }
}
