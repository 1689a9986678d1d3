import { parseExportName } from '../export-name.ts';
import type { LoginSeen } from './login-watch.ts';

/** Who has logged in, as the audit names it. */
export interface Caller {
  /**
   * The session's InitiatorAlias, which is what the gate's clients ask for as an export: `quorum`, or
   * `data@NODE.EPOCH.INCARNATION`. A stock initiator's is its own affair; without one it is the InitiatorName.
   */
  export: string;
  /** Whether it says that it is an owner's session for the data area. */
  isOwner: boolean;
  node: string;
  /** 0 and '' for everybody but an owner. */
  epoch: number;
  incarnation: string;
}

/** What an agent puts before its node's name. */
const NODE_PREFIX = 'iqn.2026-11.example.arbiter:';

export function callerOf({ initiatorName, initiatorAlias }: LoginSeen): Caller {
  const name = parseExportName(initiatorAlias);
  if (name.kind === 'data') return { export: initiatorAlias, isOwner: true, ...name.grant };
  const node = initiatorName.startsWith(NODE_PREFIX) ? initiatorName.slice(NODE_PREFIX.length) : '';
  const shown = initiatorAlias === '' ? initiatorName : initiatorAlias;
  return { export: shown, isOwner: false, node, epoch: 0, incarnation: '' };
}
