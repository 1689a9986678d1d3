import type { Fencing } from './data-access.ts';
import type { Pause, Role } from '../protocol/types.ts';

/** What `GET /status` answers on the agent's endpoint, and `arbiter status -c FILE` shows. */
export interface AgentStatus {
  node: string;
  incarnation: string;
  cluster: string;
  protocol: 'safe' | 'literal';
  fencing: Fencing;
  role: Role;
  /** True while the service is up and the lease lasts. */
  serving: boolean;
  /** True while reads of the quorum area fail: this server sees nothing and will not take over. */
  blind: boolean;
  epoch: number;
  /** Milliseconds until the lease ends; null without one. */
  leaseRemainingMs: number | null;
  /** The owner as last seen in the record; '' for none. */
  owner: string;
  ownerEpoch: number;
  /** R10: who asked that nobody take over by itself, and when; null for no pause. */
  pause: Pause | null;
  /** R10: this server would take over now, and does not. */
  holdsBack: boolean;
  pids: { agent: number; guard: number | null; service: number | null };
}
