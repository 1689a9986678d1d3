/**
 * `problem`: an agent cannot work with it, or not safely. `warning`: it can, and somebody should know what it costs.
 * `untried`: it takes a consent that was not given, or does not come to it.
 */
type State = 'ok' | 'warning' | 'problem' | 'untried';

/** One thing about a storage, judged. */
export interface Finding {
  thing: string;
  state: State;
  /** What was seen, and why that is so judged. One line. */
  why: string;
  /** What a person is to do about it. One line. */
  todo?: string;
  /** What `init` has to be told for it. */
  initFlag?: string;
}

export function ok(thing: string, why: string): Finding {
  return { thing, state: 'ok', why };
}

export function warning(thing: string, why: string, todo: string): Finding {
  return { thing, state: 'warning', why, todo };
}

export function problem(thing: string, why: string, todo: string): Finding {
  return { thing, state: 'problem', why, todo };
}

export function untried(thing: string, why: string, todo?: string): Finding {
  return todo === undefined ? { thing, state: 'untried', why } : { thing, state: 'untried', why, todo };
}

/** `1.5 MiB`, `2560 bytes`: powers of 1024, with one digit behind the point where there is one. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 10_240 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
