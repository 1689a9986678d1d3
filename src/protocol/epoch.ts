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
    // for the same death would raise each other's epoch all the while.
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
 * R3: the epoch of the next claim. While this server waits, one that was chosen before stays good until somebody claims
 * above it. When it `claims`, it has to lie above everything seen, the reservations of other standbys too: a late claim
 * under one of these would otherwise take the ownership away from whoever won with a lower epoch. A new one has yet to
 * be written to the own slot, and then a read has to show the death again.
 *
 * Standbys do not outbid each other for ever. Whoever has the highest reservation claims at its next read, and that read
 * is at the disk one of its own round trips after the reservation landed. To be ahead of it, another one has to read the
 * reservation and land a higher one, which takes a whole round trip of its own: the fastest of them is never outbid
 * twice, and it costs whoever is two round trips.
 */
export function reserveEpoch(epochs: Epochs, identity: Identity, claims: boolean): Epochs {
  const { reserved, claimed, highest } = epochs;
  if (reserved !== undefined && (claims ? reserved.epoch >= highest : reserved.epoch > claimed))
    return epochs;
  const epoch = nextEpoch(epochs.highest, identity);
  return { ...epochs, highest: epoch, reserved: { epoch, ackAt: undefined } };
}
