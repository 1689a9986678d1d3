import type { Viewport } from './viewport.ts';

export interface Tick {
  at: number;
  label: string;
}

/** Round instants, at most `most` of them, labelled as finely as they lie apart. */
export function ticks({ from, to }: Viewport, most: number): Tick[] {
  const step = stepOf((to - from) / Math.max(1, most));
  const decimals = Math.min(9, Math.max(0, -Math.floor(Math.log10(step / 1e9) + 1e-9)));
  const found: Tick[] = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++)
    found.push({ at: n * step, label: instant(n * step, decimals) });
  return found;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below. */
function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((digit) => digit * power >= least) ?? 10);
}

/** As evidence says it: `+3.112 s`. */
export function instant(ns: number, decimals = 3): string {
  return `${ns < 0 ? '-' : '+'}${(Math.abs(ns) / 1e9).toFixed(decimals)} s`;
}

/** `812 us`, `12.3 ms`, `1203 ms`, `12.0 s`. */
export function duration(ns: number): string {
  const ms = ns / 1e6;
  if (Math.abs(ms) < 1) return `${Math.round(ns / 1e3)} us`;
  if (Math.abs(ms) >= 10_000) return `${(ms / 1e3).toFixed(1)} s`;
  return `${ms.toFixed(Math.abs(ms) < 10 ? 2 : Math.abs(ms) < 100 ? 1 : 0)} ms`;
}
