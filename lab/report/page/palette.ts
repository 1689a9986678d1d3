/** The colours of the page, as its style sheet has them for the scheme that is asked for (light or dark). */
export interface Palette {
  text: string;
  faint: string;
  line: string;
  ground: string;
  band: string;
  fault: string;
  violated: string;
  unknown: string;
  valid: string;
  neutral: string;
  /** By number of the server; the sixth and all after it share one. */
  server(n: number): string;
  /** Text that can be read on this colour. */
  on(colour: string): string;
  /** Stripes of a colour: `/` rising, `\` falling, `.` dotted. */
  hatch(colour: string, kind: '/' | '\\' | '.'): CanvasPattern;
}

const SERVER_COLOURS = 6;

export function paletteOf(context: CanvasRenderingContext2D): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const servers = Array.from({ length: SERVER_COLOURS }, (_, n) => colour(`server-${n + 1}`));
  const patterns = new Map<string, CanvasPattern>();
  return {
    ...{ text: colour('text'), faint: colour('faint'), line: colour('line'), ground: colour('ground') },
    ...{ band: colour('band'), fault: colour('fault'), violated: colour('violated') },
    ...{ unknown: colour('unknown'), valid: colour('valid'), neutral: colour('neutral') },
    server: (n) => servers[Math.min(n, SERVER_COLOURS - 1)]!,
    on: (background) => (luminance(background) > 0.36 ? '#101010' : '#ffffff'),
    hatch(colour, kind) {
      const key = colour + kind;
      let pattern = patterns.get(key);
      if (pattern === undefined) patterns.set(key, (pattern = patternOf(context, colour, kind)));
      return pattern;
    },
  };
}

/** Drawn twice as fine as shown on screens with two device pixels for one. */
function patternOf(context: CanvasRenderingContext2D, colour: string, kind: '/' | '\\' | '.'): CanvasPattern {
  const size = 6;
  const scale = Math.max(1, Math.round(devicePixelRatio));
  const tile = new OffscreenCanvas(size * scale, size * scale);
  const draw = tile.getContext('2d')!;
  draw.scale(scale, scale);
  draw.strokeStyle = draw.fillStyle = colour;
  draw.lineWidth = 1.6;
  if (kind === '.') draw.fillRect(1, 1, 2, 2);
  else {
    const rising = kind === '/';
    draw.beginPath();
    for (const shift of [-size, 0, size]) {
      draw.moveTo(shift, rising ? size : 0);
      draw.lineTo(shift + size, rising ? 0 : size);
    }
    draw.stroke();
  }
  const pattern = context.createPattern(tile, 'repeat')!;
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}

/** Relative luminance (WCAG 2), 0 to 1, of `#rrggbb`. */
function luminance(colour: string): number {
  const channel = (at: number) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
