import { epochsSeen } from './epoch.ts';
import { seePause } from './pause.ts';
import { peersSeen } from './peers.ts';
import { stopForGood } from './stop.ts';
import { type AreaEvent, change, type EventOf, note, type Turn } from './turn.ts';

/**
 * R0: what every read of the area shows besides the record: the header, which must not change, the own slot, which
 * nobody else may move, the epochs, who is alive, and whether the area is paused. False when this server must not go on.
 */
export function watchArea(turn: Turn, event: AreaEvent): boolean {
  const { state } = turn;
  if (state.failures > 0) {
    const reason = 'reads of the quorum area succeed again';
    note(turn, { event: 'blind', healed: true, reason, failures: state.failures });
  }
  change(turn, { failures: 0, record: event.area.record });
  if (event.area.header.bytes !== state.header) {
    stopForGood(turn, 'R0', 'header changed: the quorum area was laid out anew under a running agent');
    return false;
  }
  change(turn, {
    epochs: epochsSeen(state.epochs, event.area, state.identity),
    peers: peersSeen(state.peers, event.area.slots, event.at),
  });
  if (event.area.record.kind === 'valid') seePause(turn, event.area.record.value);
  return watchOwnSlot(turn, event);
}

/** Reads fail: this server sees nothing and will not take over. Said once. */
export function goBlind(turn: Turn, event: EventOf<'read-failed'>): void {
  const failures = turn.state.failures + 1;
  change(turn, { failures });
  if (failures === 1) note(turn, { event: 'blind', healed: false, reason: event.reason, failures });
}

/** Two agents with one name and one slot: neither may go on, for each would take the other's epochs for its own. */
export function identityConflict(turn: Turn, rule: string, sign: string): void {
  const { node } = turn.state.identity;
  stopForGood(turn, rule, `identity conflict: ${sign}; two agents share the identity of ${node}`);
}

/** One move by another incarnation may be a late write of a predecessor; a second one is somebody who is alive. */
function watchOwnSlot(turn: Turn, event: AreaEvent): boolean {
  const { identity, ownSlot } = turn.state;
  const slot = event.area.slots[identity.index];
  if (slot === undefined || slot.bytes === ownSlot.bytes) return true;
  if (slot.kind === 'valid' && slot.value.incarnation === identity.incarnation) return true;
  const foreignMoves = ownSlot.foreignMoves + (slot.kind === 'valid' ? 1 : 0);
  change(turn, { ownSlot: { bytes: slot.bytes, sinceAt: event.at, foreignMoves } });
  if (slot.kind !== 'valid' || foreignMoves < 2) return true;
  const short = slot.value.incarnation.slice(0, 8);
  identityConflict(turn, 'R0', `incarnation ${short} writes slot ${identity.index}, too`);
  return false;
}
