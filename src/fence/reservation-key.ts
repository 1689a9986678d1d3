import { MAX_SLOTS } from '../area/layout.ts';

/** A key has 64 bits: the slot of a server in the upper 16, its epoch in the others (PROTOCOL.md, "The data area"). */
const EPOCH_BITS = 48n;

/** Key of the server in `slot` under `epoch`; never 0, which would be no key. */
export function reservationKey(slot: number, epoch: number): bigint {
  return (BigInt(slot) << EPOCH_BITS) | BigInt.asUintN(Number(EPOCH_BITS), BigInt(epoch));
}

/** Epoch of a key, modulo 2^48; undefined for a key that no arbiter made. */
export function epochOfKey(key: bigint): number | undefined {
  if (key >> EPOCH_BITS >= BigInt(MAX_SLOTS)) return undefined;
  return Number(BigInt.asUintN(Number(EPOCH_BITS), key));
}

/** `0x0001000000000007`, as sg_persist and targets show it. */
export function showKey(key: bigint): string {
  return `0x${key.toString(16).padStart(16, '0')}`;
}
