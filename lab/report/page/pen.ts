import type { Viewport } from '../timeline/viewport.ts';
import { type Palette, paletteOf } from './palette.ts';

/** A canvas as the timeline draws on it: in CSS pixels across, and in time from left to right. */
export class Pen {
  readonly c: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly width: number;
  readonly height: number;
  readonly view: Viewport;
  readonly #scale: number;

  /** Clears the canvas, which is made `height` CSS pixels high and as wide as it is laid out. */
  constructor(canvas: HTMLCanvasElement, height: number, view: Viewport) {
    const ratio = devicePixelRatio;
    this.width = Math.max(1, canvas.clientWidth);
    this.height = height;
    this.view = view;
    this.#scale = this.width / (view.to - view.from);
    this.c = canvas.getContext('2d')!;
    const [wide, high] = [Math.round(this.width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
      canvas.style.height = `${height}px`;
    }
    this.c.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.c.clearRect(0, 0, this.width, height);
    this.c.font = '11px system-ui, sans-serif';
    this.c.textBaseline = 'middle';
    this.palette = paletteOf(this.c);
  }

  /** Where an instant is; what is far outside is put just outside. */
  x(t: number): number {
    return Math.min(this.width + 50, Math.max(-50, (t - this.view.from) * this.#scale));
  }

  sees(from: number, to: number): boolean {
    return from <= this.view.to && to >= this.view.from;
  }

  /** A bar of time, at least `least` pixels wide. */
  bar(from: number, to: number, top: number, height: number, fill: string | CanvasPattern, least = 1): void {
    const x = this.x(from);
    this.c.fillStyle = fill;
    this.c.fillRect(x, top, Math.max(least, this.x(to) - x), height);
  }

  frame(from: number, to: number, top: number, height: number, colour: string): void {
    const x = this.x(from);
    this.c.strokeStyle = colour;
    this.c.lineWidth = 1;
    this.c.strokeRect(x + 0.5, top + 0.5, Math.max(1, this.x(to) - x - 1), height - 1);
  }

  /** A word within a bar, where there is room for it; it stays in sight while its bar is. `behind`: on a ground of its own. */
  label(
    text: string,
    from: number,
    to: number,
    top: number,
    height: number,
    colour: string,
    behind = '',
  ): void {
    const left = Math.max(0, this.x(from)) + 4;
    const room = Math.min(this.width, this.x(to)) - left - 3;
    if (room < 12) return;
    const shown = this.#fitted(text, room);
    if (shown === '') return;
    if (behind !== '') {
      this.c.fillStyle = behind;
      this.c.fillRect(left - 3, top + 1, this.c.measureText(shown).width + 6, height - 2);
    }
    this.c.fillStyle = colour;
    this.c.fillText(shown, left, top + height / 2 + 0.5);
  }

  /** A word beside a mark at `x`, where it ends before `until`. */
  note(text: string, x: number, until: number, middle: number, colour: string): void {
    if (x + this.c.measureText(text).width + 4 > until) return;
    this.c.fillStyle = colour;
    this.c.fillText(text, x, middle + 0.5);
  }

  line(t: number, top: number, bottom: number, colour: string, dash: number[] = [], width = 1): void {
    const x = Math.round(this.x(t)) + 0.5;
    this.c.strokeStyle = colour;
    this.c.lineWidth = width;
    this.c.setLineDash(dash);
    this.c.beginPath();
    this.c.moveTo(x, top);
    this.c.lineTo(x, bottom);
    this.c.stroke();
    this.c.setLineDash([]);
  }

  #fitted(text: string, room: number): string {
    if (this.c.measureText(text).width <= room) return text;
    for (const shorter of [text.replace(/ \(.*$/, ''), text.split(/[ ,:]/)[0]!])
      if (shorter.length < text.length && this.c.measureText(shorter).width <= room) return shorter;
    return '';
  }
}
