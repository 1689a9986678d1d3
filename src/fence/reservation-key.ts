import { MAX_SLOTS } from '../area/layout.ts';

/** A key has 64 bits: the slot of a server in the upper 16, its epoch in the others (PROTOCOL.md, "The data area"). */
const EPOCH_BITS = 48n;

/** Key of the server in `slot` under `epoch`. Slot 0 has none (0) under the multiples of 2^48. */
export function reservationKey(slot: number, epoch: number): bigint {
  return (BigInt(slot) << EPOCH_BITS) | BigInt.asUintN(Number(EPOCH_BITS), BigInt(epoch));
}

/**
 * Epoch of a key; undefined for a key that no arbiter made. A key has an epoch modulo 2^48: of those that it may stand for
 * this is the nearest to `near`, an epoch of the same time.
 */
export function epochOfKey(key: bigint, near = 0): number | undefined {
  if (key >> EPOCH_BITS >= BigInt(MAX_SLOTS)) return undefined;
  const distance = BigInt.asIntN(Number(EPOCH_BITS), key - BigInt(near));
  const epoch = Number(BigInt(near) + distance);
  return epoch < 0 ? epoch + 2 ** Number(EPOCH_BITS) : epoch;
}

/** `0x0001000000000007`, as sg_persist and targets show it. */
export function showKey(key: bigint): string {
  return `0x${key.toString(16).padStart(16, '0')}`;
}
