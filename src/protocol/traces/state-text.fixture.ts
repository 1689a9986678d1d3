import type { LiteralState } from '../literal/state.ts';
import { pauseInForce } from '../pause.ts';
import type { Access, State } from '../state.ts';
import type { OwnershipRecord, Reading } from '../types.ts';
import { recordText } from './notation.fixture.ts';

/** What a server knows, as far as its role makes it matter, in one line. */
export function stateText(state: State): string {
  const { phase, service } = state;
  switch (phase.role) {
    case 'starting':
    case 'standby':
      return `${phase.role}: ${[seen(state), reserved(state), paused(state)].filter((part) => part !== '').join('; ')}`;
    case 'claiming':
      return `claiming e${phase.claim.epoch}: decided at ${phase.decidedAt}`;
    case 'settling': {
      const { claim, step, claimStartedAt, settleAt } = phase;
      return `settling e${claim.epoch}: ${step}; claim started at ${claimStartedAt}, settling read at ${settleAt}`;
    }
    case 'active': {
      const { epoch, leaseEndsAt, access, pause } = phase.tenure;
      const paused = pause === null ? '' : '; paused';
      return `active e${epoch}: lease until ${leaseEndsAt}; data area ${accessText(access)}; service ${service}${paused}`;
    }
    case 'stopping': {
      const { tenure, how, releasing, successor, next } = phase;
      const then = `${releasing ? `release${toText(successor)}, then ` : ''}${next.do}`;
      return `stopping e${tenure.epoch}: ${how}; lease until ${tenure.leaseEndsAt}; then ${then}`;
    }
    case 'releasing':
      return `releasing e${phase.tenure.epoch}${toText(phase.successor)}: lease until ${phase.tenure.leaseEndsAt}; then ${phase.next.do}`;
    default:
      return 'ended';
  }
}

export function literalStateText({ role, seen, count, service }: LiteralState): string {
  switch (role) {
    case 'standby':
      return `standby: ${seen === undefined ? 'nothing seen' : `count ${seen.count} seen, unchanged ${seen.unchanged}`}`;
    case 'ended':
      return role;
    default:
      return `${role}: count ${count}; service ${service}`;
  }
}

function seen({ observation, failures }: State): string {
  if (observation === undefined) return failures > 0 ? 'blind, nothing seen' : 'nothing seen';
  const { reading, sinceAt, unchanged } = observation;
  const blind = failures > 0 ? ', blind' : '';
  return `sees ${readingText(reading)} since ${sinceAt}, unchanged ${unchanged}${blind}`;
}

function paused(state: State): string {
  if (pauseInForce(state) === null) return '';
  return state.pauses.holds ? 'paused, holds a takeover back' : 'paused';
}

function toText(successor: string): string {
  return successor === '' ? '' : ` for ${successor}`;
}

function reserved({ epochs, phase }: State): string {
  if (epochs.reserved === undefined) return '';
  const { epoch, ackAt } = epochs.reserved;
  const waiting = phase.role === 'standby' && phase.waiting ? ', waited for' : '';
  return `next e${epoch}${ackAt === undefined ? ` not in the slot yet${waiting}` : ` in the slot at ${ackAt}`}`;
}

function accessText(access: Access): string {
  switch (access.state) {
    case 'obtaining':
    case 'verified':
      return access.state;
    case 'granted':
      return `granted at ${access.grantedAt}`;
    case 'lost':
      return `lost at ${access.lostAt}`;
    case 'retry':
      return `asked for again at ${access.retryAt}`;
    default:
      return `refused, raising to e${access.to}${access.reserved ? ', in the slot' : ''}`;
  }
}

function readingText(reading: Reading<OwnershipRecord>): string {
  return reading.kind === 'valid' ? recordText(reading.value) : reading.bytes || reading.kind;
}
