import type { History } from '../history/events.ts';

/** Says instants of a history as people read them: seconds since the lab began. */
export interface Instants {
  /** `+3.112 s` */
  at(t: number): string;
  /** `1203 ms` */
  between(fromT: number, toT: number): string;
}

export function instantsOf(history: History): Instants {
  const startT = history.lab[0]?.t ?? history.audit[0]?.t ?? history.client[0]?.t ?? 0;
  return {
    at: (t) => `${t < startT ? '-' : '+'}${(Math.abs(t - startT) / 1e9).toFixed(3)} s`,
    between: (fromT, toT) => inMs((toT - fromT) / 1e6),
  };
}

/** `0.42 ms`, `12.3 ms`, `1203 ms`: three digits are all that means anything here. */
export function inMs(ms: number): string {
  const digits = Math.abs(ms) < 10 ? 2 : Math.abs(ms) < 100 ? 1 : 0;
  return `${ms.toFixed(digits)} ms`;
}
