import { change, changeTenure, emit, type EventOf, type Turn } from './turn.ts';
import type { State } from './state.ts';
import type { NodeSlot, Role, SlotRole } from './types.ts';

/**
 * The own slot: written every T on a track of its own, which never delays a heartbeat; at once when an epoch waits to
 * be reserved (R3) or raised (R7). Nothing is written before the own slot was watched for D (R0).
 */
export function slotDueAt({ phase, slot }: State): number | undefined {
  if (phase.role === 'starting' || phase.role === 'ended' || slot.writing !== undefined) return undefined;
  return slot.nextAt;
}

export function writeSlot(turn: Turn): void {
  const { identity, phase, epochs, slot } = turn.state;
  const writing: NodeSlot = {
    node: identity.node,
    incarnation: identity.incarnation,
    counter: slot.counter + 1,
    role: ROLE_IN_SLOT[phase.role],
    epoch: epochs.highest,
  };
  change(turn, {
    slot: { counter: writing.counter, nextAt: turn.at + identity.timings.intervalMs, writing },
  });
  emit(turn, { do: 'write-slot', slot: writing });
}

/** As soon as the track is free. */
export function hurrySlot(turn: Turn): void {
  change(turn, { slot: { ...turn.state.slot, nextAt: turn.at } });
}

export function slotWritten(turn: Turn, { slot }: EventOf<'slot-written'>): void {
  const { epochs, phase } = turn.state;
  change(turn, { slot: { ...turn.state.slot, writing: undefined } });
  const { reserved } = epochs;
  if (reserved !== undefined && reserved.ackAt === undefined && slot.epoch >= reserved.epoch) {
    change(turn, { epochs: { ...epochs, reserved: { epoch: reserved.epoch, ackAt: turn.at } } });
    // R2: what showed the death came before the reservation; a fresh read has to show it again.
    if (phase.role === 'standby' && phase.waiting) change(turn, { observeAt: turn.at });
  }
  if (phase.role !== 'active') return;
  const { access } = phase.tenure;
  if (access.state === 'raising' && !access.reserved && slot.epoch >= access.to) {
    changeTenure(turn, { access: { ...access, reserved: true }, hurry: true });
  }
}

/** Tried again with the next T and a new counter; until then nothing in it counts as reserved. */
export function slotWriteFailed(turn: Turn): void {
  change(turn, { slot: { ...turn.state.slot, writing: undefined } });
}

const ROLE_IN_SLOT: Readonly<Record<Role, SlotRole>> = {
  starting: 'none',
  standby: 'standby',
  claiming: 'claimant',
  settling: 'claimant',
  active: 'owner',
  stopping: 'owner',
  releasing: 'owner',
  ended: 'none',
};
