import { literalInitialState, type LiteralState } from '../literal/state.ts';
import { literalStep } from '../literal/step.ts';
import { initialState, type State } from '../state.ts';
import { step } from '../step.ts';
import type { Effect, Event, Identity } from '../types.ts';

/** A protocol as the model runs it: one event in, effects out, the state kept inside. */
export type Machine = (event: Event) => readonly Effect[];
export type MachineOf = (identity: Identity) => Machine;

/** What a weakening may touch: the state before and after a step, and the event. */
export interface Weakening {
  before?: (state: State, event: Event) => { state: State; event: Event };
  after?: (state: State, event: Event, former: State) => State;
}

/** The rules as they are, or with one of them weakened from outside. */
export function safeMachine(weakening: Weakening = {}): MachineOf {
  return (identity) => {
    let state = initialState(identity);
    return (event) => {
      const former = weakening.before?.(state, event) ?? { state, event };
      const result = step(former.state, former.event);
      state = weakening.after?.(result.state, event, state) ?? result.state;
      return result.effects;
    };
  };
}

export const literalMachine: MachineOf = (identity) => {
  let state: LiteralState = literalInitialState(identity);
  return (event) => {
    const result = literalStep(state, event);
    state = result.state;
    return result.effects;
  };
};
