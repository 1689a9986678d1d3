import type { AgentStatus } from '../ports/status.ts';

/** Of an active server. */
export const status: AgentStatus = {
  node: 'server-1',
  incarnation: 'ab'.repeat(16),
  cluster: 'cd'.repeat(16),
  protocol: 'safe',
  fencing: 'gate',
  role: 'active',
  serving: true,
  blind: false,
  epoch: 7,
  leaseRemainingMs: 1250,
  owner: 'server-1',
  ownerEpoch: 7,
  pause: null,
  holdsBack: false,
  pids: { agent: 1, guard: 2, service: 3 },
};

export const PAUSE = { by: 'server-1', sinceWallMs: 1767323045678 };
