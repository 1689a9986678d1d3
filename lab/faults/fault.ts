import type { Ability } from '../engines/ability.ts';
import type { LineWaiter } from '../engines/bring-up.ts';
import type { Engine, World } from '../engines/engine.ts';
import type { ClusterView } from '../run/cluster-view.ts';

export interface FaultContext {
  world: World;
  view: ClusterView;
  lines: LineWaiter;
}

/** It makes no sense as things stand (a dead server is to be killed): nothing was hurt, and the text says why. */
export class FaultImpossible extends Error {
  override readonly name = 'FaultImpossible';
}

/** A fault under way. `effective` was observed, never assumed; `heal` takes it back and may be called again. */
export interface Injection {
  /** What was seen that proves it. Rejects when the fault had no effect. */
  effective: Promise<string>;
  heal(): Promise<string>;
}

export interface FaultOptions {
  /** `stall`: which parts of the server. */
  parts?: readonly ('agent' | 'guard' | 'service')[];
  /** `hold-write`: which block of the quorum area. */
  block?: 'record' | 'slot';
}

/** One way to hurt. `inject` resolves once the fault is set; some (a held write) take effect only later. */
export interface Fault {
  readonly name: string;
  /** One line for `--help` and for the report. */
  readonly summary: string;
  readonly target: 'server' | 'storage';
  /** While one is in force on a target, another of its name changes nothing and is refused. */
  readonly onceAtATime?: true;
  /** The server is gone when it is effective: what it was still to recover from is over. */
  readonly powersOff?: true;
  /** What every engine must be able to do for it; `lab doctor` says whether it can on this machine. */
  readonly needs: Ability;
  /** What it comes down to on each engine, in half a line. */
  readonly by: Readonly<Record<Engine['name'], string>>;
  inject(context: FaultContext, target: string, options: FaultOptions): Promise<Injection>;
}

export function alreadyEffective(detail: string): Promise<string> {
  return Promise.resolve(detail);
}
