import type { Epochs } from './state.ts';
import type { AreaReading, Identity } from './types.ts';

/** R3: the smallest epoch above `highest` that belongs to this server's slot, so that no other server ever takes it. */
export function nextEpoch(highest: number, { index, slots }: Pick<Identity, 'index' | 'slots'>): number {
  const above = highest + 1;
  return above + ((index - (above % slots) + slots) % slots);
}

/** R3: takes in every epoch that one read of the area shows. */
export function epochsSeen(epochs: Epochs, area: AreaReading, { index, incarnation }: Identity): Epochs {
  let { highest, claimed } = epochs;
  if (area.record.kind === 'valid') claimed = Math.max(claimed, area.record.value.epoch);
  for (const [i, slot] of area.slots.entries()) {
    if (slot.kind !== 'valid' || (i === index && slot.value.incarnation === incarnation)) continue;
    highest = Math.max(highest, slot.value.epoch);
    // What a standby has in its slot it saw or means to use: were that to count as claimed, two standbys that wait
    // for the same death would raise each other's epoch for ever.
    if (slot.value.role === 'claimant' || slot.value.role === 'owner') {
      claimed = Math.max(claimed, slot.value.epoch);
    }
  }
  return { ...epochs, highest: Math.max(highest, claimed), claimed };
}

/** R3, R7: `epoch` was used by this server, or granted to somebody. */
export function epochClaimed(epochs: Epochs, epoch: number): Epochs {
  return {
    ...epochs,
    highest: Math.max(epochs.highest, epoch),
    claimed: Math.max(epochs.claimed, epoch),
  };
}

/**
 * R3: the epoch of the next claim. One that was chosen before stays good until somebody claims above it; a new one
 * has yet to be written to the own slot.
 */
export function reserveEpoch(epochs: Epochs, identity: Identity): Epochs {
  if (epochs.reserved !== undefined && epochs.reserved.epoch > epochs.claimed) return epochs;
  const epoch = nextEpoch(epochs.highest, identity);
  return { ...epochs, highest: epoch, reserved: { epoch, ackAt: undefined } };
}
