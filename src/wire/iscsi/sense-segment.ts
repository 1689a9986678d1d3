import { u16 } from './header-fields.ts';

const lengthBytes = 2;

/**
 * The sense data of a data segment (RFC 7143, section 11.4.7), copied, so that they do not keep what they came in; empty
 * where there are none, undefined where their length is more than there is.
 */
export function senseOf(data: Uint8Array): Uint8Array | undefined {
  if (data.length === 0) return data;
  if (data.length < lengthBytes) return undefined;
  const end = lengthBytes + u16(data, 0);
  return end > data.length ? undefined : data.slice(lengthBytes, end);
}
