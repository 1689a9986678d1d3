/**
 * The sequence numbers of iSCSI have 32 bits and wrap (RFC 7143, section 4.2.2.1; RFC 1982). Of two numbers 2^31 apart
 * neither is before the other.
 */
export function serialBefore(a: number, b: number): boolean {
  const distance = (a - b) | 0;
  return distance < 0 && distance !== -0x8000_0000;
}

export function serialNext(number: number): number {
  return (number + 1) >>> 0;
}
