import type { Engine } from '../engines/engine.ts';

/** `impossible`: nothing that could be installed here changes it. `untidy`: something is there that should not be. */
type State = 'ok' | 'missing' | 'impossible' | 'untidy';

export interface Finding {
  thing: string;
  state: State;
  /** What was seen, or what stands in the way. */
  why: string;
  /** The command that brings what is missing, as a user of this machine types it. */
  bring?: string;
}

export interface FaultFinding extends Finding {
  engine: Engine['name'];
  /** What the fault comes down to on this engine. */
  by: string;
}

/** What was found out about one engine. */
export interface EngineFindings {
  findings: Finding[];
  faults: FaultFinding[];
  /** Why no scenario could be run on it; undefined when all of them can. */
  obstacle: string | undefined;
}

export interface Diagnosis {
  /** True when `make lab` can run on the engine asked for, or on either when none is. */
  ready: boolean;
  /** The engine it would take, and why; none when one is asked for that is not there. */
  engine: Engine['name'] | null;
  why: string;
  /** One sentence: what `make lab` would do. */
  verdict: string;
  machine: Finding[];
  docker: EngineFindings;
  process: EngineFindings;
}
