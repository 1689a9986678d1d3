/** A key has 64 bits: the slot of a server in the upper 16, its epoch in the others (PROTOCOL.md, "The data area"). */
const EPOCH_BITS = 48n;

/** Key of the server in `slot` under `epoch`. Slot 0 has none (0) under the multiples of 2^48. */
export function reservationKey(slot: number, epoch: number): bigint {
  return (BigInt(slot) << EPOCH_BITS) | BigInt.asUintN(Number(EPOCH_BITS), BigInt(epoch));
}

/**
 * Nobody is so far ahead of whoever asks: the quorum area shows the epochs of the others, and one that is claimed meanwhile is
 * the next one or so.
 */
const MOST_EPOCHS_AHEAD = 2 ** 20;

/**
 * Keys of the doctor's trial, of slots 62 and 63 under epoch 0, which no claim ever has: older than every epoch, so that one
 * that is left behind by a doctor that was killed is preempted.
 */
export const TRIAL_KEYS = [62n << EPOCH_BITS, 63n << EPOCH_BITS] as const;

/** Whose key it would be that a cluster may have made. */
export interface Cluster {
  /** Slots of its quorum area. */
  slots: number;
  /** An epoch of the same time: the highest that is known. */
  epoch: number;
}

/**
 * Epoch of a key of this cluster; undefined for anybody else's. A key has an epoch modulo 2^48: of those that it may stand for
 * this is the nearest to `epoch`. It belongs to the slot in the key (R3: epoch mod slots), and does not come from nowhere: a number that
 * another program chose rarely looks like that.
 */
export function epochOfKey(key: bigint, { slots, epoch: near }: Cluster): number | undefined {
  if (TRIAL_KEYS.some((trial) => trial === key)) return 0;
  const slot = Number(key >> EPOCH_BITS);
  const distance = BigInt.asIntN(Number(EPOCH_BITS), key - BigInt(near));
  const epoch = Number(BigInt(near) + distance);
  const isOne = epoch >= 0 && epoch % slots === slot && epoch <= near + MOST_EPOCHS_AHEAD;
  return isOne ? epoch : undefined;
}

/** `0x0001000000000007`, as sg_persist and targets show it. */
export function showKey(key: bigint): string {
  return `0x${key.toString(16).padStart(16, '0')}`;
}
