import type { AgentStatus } from '../ports/status.ts';
import { pauseText, shortIncarnation } from './describe.ts';
import { fields } from './output.ts';

/** What an agent said of itself, for people, in 80 columns. */
export function agentLines(status: AgentStatus): string[] {
  const { node, role, epoch, owner, pids } = status;
  const left = status.leaseRemainingMs;
  return fields([
    ['node', `${node}, incarnation ${shortIncarnation(status.incarnation)}`],
    ['cluster', status.cluster],
    ['role', `${role}${status.serving ? ', serving' : ''}`],
    ...(epoch === 0 ? [] : [['epoch', String(epoch)] as const]),
    ['lease', left === null ? 'none' : left > 0 ? `ends in ${Math.round(left)} ms` : 'ended'],
    ['owner', owner === '' ? 'none' : `${owner}, epoch ${status.ownerEpoch}`],
    ...pauseFields(status),
    ...(status.blind ? [['blind', 'reads of the quorum area fail; it will not take over'] as const] : []),
    ['protocol', `${status.protocol}${status.protocol === 'literal' ? ' (unsafe)' : ''}`],
    ['fencing', `${status.fencing}${status.fencing === 'none' ? ' (unsafe)' : ''}`],
    ['processes', `agent ${pids.agent}, guard ${pids.guard ?? 'none'}, service ${pids.service ?? 'none'}`],
  ]);
}

/** In capitals, for it must not be overlooked: a dead owner stays without a successor. */
function pauseFields({ pause, holdsBack }: AgentStatus): (readonly [string, string])[] {
  if (pause === null) return [];
  const now = holdsBack ? [['', 'it would take over now, and does not: see `arbiter resume`'] as const] : [];
  return [['PAUSED', `${pauseText(pause)}: nobody takes over`], ...now];
}
