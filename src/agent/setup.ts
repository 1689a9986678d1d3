import type { BlockDevice } from '../ports/block-device.ts';
import type { Clock } from '../ports/clock.ts';
import type { DataAccess } from '../ports/data-access.ts';
import type { Journal } from '../ports/journal.ts';
import type { Service } from '../ports/service.ts';
import type { Summary } from '../protocol/summary.ts';
import type { Effect, Event, Header, Identity } from '../protocol/types.ts';

/** Everything an agent touches. */
export interface AgentPorts {
  clock: Clock;
  quorum: BlockDevice;
  data: DataAccess;
  service: Service;
  journal: Journal;
}

/** Who this agent is, for as long as it runs. */
export interface AgentSetup {
  node: string;
  /** 32 hex digits drawn at its start. */
  incarnation: string;
  /** Own slot. */
  index: number;
  /** As it was read first; the agent lives by it and by no other (R0). */
  header: Header;
  protocol: 'safe' | 'literal';
  /** Whether a guard ends the service when this agent cannot. */
  guard: boolean;
  version: string;
  pid: number;
}

/** The arbitration an agent runs: `safe`, or `literal` to be compared with. */
export interface Procedure<State> {
  initialState(identity: Identity): State;
  step(state: State, event: Event): { state: State; effects: readonly Effect[] };
  summary(state: State, at?: number): Summary;
}
