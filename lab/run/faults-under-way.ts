import type { WorldLine } from '../engines/engine.ts';
import {
  type Fault,
  type FaultContext,
  FaultImpossible,
  type FaultOptions,
  type Injection,
} from '../faults/fault.ts';
import { ExpectationMissed } from './expectations.ts';
import { isLiteralHeartbeat } from './literal-heartbeat.ts';
import { nowNs } from './now.ts';
import type { Recorder } from './recorder.ts';

/** A fault in the hands of a scenario. */
export interface FaultHandle {
  /** The number it has in the history. */
  id: number;
  /** When it was seen to be effective, monotonic nanoseconds; for an armed one: resolves when it is. */
  effective: Promise<number>;
  target: string;
  heal(): Promise<void>;
}

/** Called with what became of a fault; `requestedT` and `t` (of the effect) are monotonic nanoseconds. */
export type OnEffective = (fault: Fault, target: string, at: { requestedT: number; t: number }) => void;

type Phase = 'requested' | 'effective' | 'healed' | 'recovered' | 'failed';
type Tell = (phase: Phase, detail: string) => number;

interface Recovery {
  fault: string;
  target: string;
  /** The server was powered off after the healing: there is nothing left to recover. */
  over: boolean;
  seen: Promise<unknown>;
}

/** The faults of one scenario: each leaves its whole life in the history, and each has to come to its end. */
export class FaultsUnderWay {
  readonly #context: FaultContext;
  readonly #recorder: Recorder;
  readonly #patienceMs: number;
  readonly #onEffective: OnEffective;
  readonly #handles: FaultHandle[] = [];
  readonly #recoveries: Recovery[] = [];
  readonly #inForce = new Set<{ id: number; fault: Fault; target: string }>();
  #last = 0;

  constructor(context: FaultContext, recorder: Recorder, patienceMs: number, onEffective: OnEffective) {
    this.#context = context;
    this.#recorder = recorder;
    this.#patienceMs = patienceMs;
    this.#onEffective = onEffective;
  }

  /** Resolves when the fault is set. `asked`: the target in the scenario's words, which `target` came out of. */
  async arm(fault: Fault, target: string, asked: string, options: FaultOptions): Promise<FaultHandle> {
    this.#assertPossible(fault, target);
    const id = ++this.#last;
    const tell: Tell = (phase, detail) =>
      this.#recorder.event({ event: 'fault', id, fault: fault.name, target, phase, detail }).t;
    const requestedT = tell('requested', asked === target ? fault.summary : `${asked} is ${target}`);
    const injection = await fault.inject(this.#context, target, options).catch((error: Error) => {
      tell('failed', error.message);
      throw error;
    });
    const inForce = { id, fault, target };
    this.#inForce.add(inForce);
    const effective = injection.effective.then((detail) => {
      const t = tell('effective', detail);
      if (fault.powersOff === true) this.#poweredOff(target);
      this.#onEffective(fault, target, { requestedT, t });
      return t;
    });
    effective.catch((error: Error) => tell('failed', error.message));
    const heal = this.#healing(fault, target, injection, tell, () => this.#inForce.delete(inForce));
    const handle = { id, effective, target, heal };
    this.#handles.push(handle);
    return handle;
  }

  /** The last one first. */
  async healAll(): Promise<void> {
    for (const handle of [...this.#handles].reverse()) await handle.heal();
  }

  /** Resolves when every healed server has recovered; one that does not within the patience is an expectation missed. */
  async allRecovered(): Promise<void> {
    for (const recovery of this.#recoveries) {
      if (recovery.over) continue;
      try {
        await recovery.seen;
      } catch (error) {
        const { message } = error as Error;
        const what = `${recovery.target} recovers from ${recovery.fault}`;
        this.#recorder.event({ event: 'expected', what, met: false, otherwise: 'violated', detail: message });
        throw new ExpectationMissed(`${what}: ${message}`);
      }
    }
  }

  #poweredOff(server: string): void {
    for (const recovery of this.#recoveries) if (recovery.target === server) recovery.over = true;
  }

  #assertPossible({ name, onceAtATime }: Fault, target: string): void {
    if (onceAtATime !== true) return;
    const other = [...this.#inForce].find((each) => each.fault.name === name && each.target === target);
    if (other !== undefined)
      throw new FaultImpossible(`${name} ${target} is in force already, as fault ${other.id}`);
  }

  #healing(
    fault: Fault,
    target: string,
    injection: Injection,
    tell: Tell,
    over: () => void,
  ): () => Promise<void> {
    let healed: Promise<void> | undefined;
    const heal = async () => {
      const sinceT = nowNs();
      tell('healed', await injection.heal());
      over();
      if (fault.target === 'server') this.#awaitRecovery(fault.name, target, sinceT, tell);
    };
    // What could not be healed may be healed another time.
    return () =>
      (healed ??= heal().catch((error: Error) => {
        healed = undefined;
        throw error;
      }));
  }

  /**
   * Healed is not recovered: the server has recovered when it sees or writes the quorum area again. `sinceT` is when the
   * healing began, for what it frees may be answered before it is told.
   */
  #awaitRecovery(fault: string, target: string, sinceT: number, tell: Tell): void {
    const what = 'sees the quorum area again';
    const sees = (line: WorldLine) =>
      touchesArea(line, target, sinceT) || isLiteralHeartbeat(line, target, sinceT);
    const seen = (
      this.#recorder.lines.some(sees)
        ? Promise.resolve()
        : this.#context.lines.line(sees, this.#patienceMs, `${target}: ${what}`)
    ).then(() => tell('recovered', what));
    seen.catch(() => {}); // told when it is asked for, unless the server is powered off before
    this.#recoveries.push({ fault, target, over: false, seen });
  }
}

function touchesArea(line: WorldLine, server: string, sinceT: number): boolean {
  if (line.from !== 'server' || line.server !== server || line.line.t < sinceT) return false;
  const entry = line.line;
  if (entry.event === 'role') return ['claiming', 'settling', 'active'].includes(entry.to);
  return entry.event === 'lease' || entry.event === 'observed' || entry.event === 'observed-change';
}
