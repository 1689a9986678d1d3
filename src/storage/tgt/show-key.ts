/** A reservation key as sg_persist(8) shows it: `0x0001000000000007`. */
export function showKey(key: bigint): string {
  return `0x${key.toString(16).padStart(16, '0')}`;
}
