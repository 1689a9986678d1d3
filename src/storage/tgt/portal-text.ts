/** Where a client reached the tap, as RFC 7143, 13.8 writes an address: `10.0.0.1:3260`, `[::1]:3260`. */
export function addressText(host: string, port: number): string {
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/**
 * The text of a Text Response or of a redirect, with every TargetAddress that names tgtd's own place on loopback naming
 * `reached` instead, or undefined when there is none. The portal group stays.
 */
export function namingTheTap(
  text: Uint8Array,
  upstreamPort: number,
  reached: string,
): Uint8Array | undefined {
  const said = Buffer.from(text).toString('latin1');
  const inner = new RegExp(`(^|\\0)TargetAddress=127\\.0\\.0\\.1:${upstreamPort}(?=[,\\0]|$)`, 'g');
  if (!inner.test(said)) return undefined;
  return Buffer.from(said.replaceAll(inner, `$1TargetAddress=${reached}`), 'latin1');
}
