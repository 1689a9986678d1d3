import type { Scene } from '../timeline/scene.ts';
import { density } from '../timeline/series.ts';
import { typedById } from './dom.ts';
import { Pen } from './pen.ts';
import type { State } from './state.ts';

const HEIGHT = 30;

/** The whole run in one strip, with a window on what is shown; the window can be moved. */
export function showOverview(state: State): void {
  const canvas = typedById('overview', HTMLCanvasElement);
  let holding = false;
  const moveTo = (event: PointerEvent) => {
    const share = event.offsetX / canvas.clientWidth;
    const at = state.whole.from + share * (state.whole.to - state.whole.from);
    const half = (state.view.to - state.view.from) / 2;
    state.show({ from: at - half, to: at + half });
  };
  canvas.addEventListener('pointerdown', (event) => {
    holding = true;
    canvas.setPointerCapture(event.pointerId);
    moveTo(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (holding) moveTo(event);
  });
  for (const end of ['pointerup', 'pointercancel'] as const)
    canvas.addEventListener(end, () => (holding = false));
  state.subscribe(() => drawOverview(canvas, state));
}

function drawOverview(canvas: HTMLCanvasElement, { scene, whole, view }: State): void {
  const pen = new Pen(canvas, HEIGHT, whole);
  const { palette, c } = pen;
  c.fillStyle = palette.band;
  c.fillRect(0, 0, pen.width, HEIGHT);
  drawActivity(pen, scene);
  for (const { requested, healed, recovered } of scene.data.faults)
    pen.bar(requested, recovered ?? healed ?? scene.data.toNs, 0, 5, palette.fault, 2);
  for (const { at } of scene.data.violations) pen.line(at, 0, HEIGHT, palette.violated, [], 2);
  c.fillStyle = palette.text;
  c.globalAlpha = 0.22;
  pen.bar(whole.from, view.from, 0, HEIGHT, palette.text, 0);
  pen.bar(view.to, whole.to, 0, HEIGHT, palette.text, 0);
  c.globalAlpha = 1;
  pen.frame(view.from, view.to, 0, HEIGHT, palette.text);
}

/** How much was acknowledged when. */
function drawActivity(pen: Pen, { appends, kinds }: Scene): void {
  const buckets = Math.ceil(pen.width / 2);
  const counts = density(appends, pen.view, buckets, kinds.count);
  const sums = Array.from({ length: buckets }, (_, b) => {
    let sum = 0;
    for (let kind = 0; kind < kinds.unknown; kind++) sum += counts[kind]![b]!;
    return sum;
  });
  const most = Math.max(1, ...sums);
  pen.c.fillStyle = pen.palette.neutral;
  for (const [b, sum] of sums.entries()) {
    const height = (sum / most) * (HEIGHT - 10);
    if (height > 0) pen.c.fillRect(b * 2, HEIGHT - height, 1.5, height);
  }
}
