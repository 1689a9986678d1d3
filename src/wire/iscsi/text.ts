import { ISCSI_LIMIT } from './constants.ts';

/** key=value of a negotiation (RFC 7143, section 6.1). */
export type Pair = readonly [key: string, value: string];

export function encodeText(pairs: readonly Pair[]): Uint8Array {
  return Buffer.from(pairs.map(([key, value]) => `${key}=${value}\0`).join(''), 'utf8');
}

const keyForm = /^[A-Z][A-Za-z0-9.+@_-]{0,62}$/;

/** Text that comes in one PDU or, with the C bit, in several, which may cut it anywhere (section 6.2). */
export class TextInput {
  #segments: Uint8Array[] = [];
  #bytes = 0;

  get heldBytes(): number {
    return this.#bytes;
  }

  /** What is wrong with it, if anything. */
  push(segment: Uint8Array): string | undefined {
    this.#bytes += segment.length;
    if (this.#bytes > ISCSI_LIMIT.textBytes) return `text of more than ${ISCSI_LIMIT.textBytes} bytes`;
    if (segment.length > 0) this.#segments.push(segment.slice());
    return undefined;
  }

  /** All of it, once its last PDU was pushed; or what is wrong with it. */
  take(): Pair[] | string {
    const text = Buffer.concat(this.#segments).toString('utf8');
    this.#segments = [];
    this.#bytes = 0;
    const parts = text.split('\0');
    const rest = parts.pop()!;
    if (rest !== '') return `text that ends in ${quoted(rest)} and not in a zero byte`;
    const pairs: Pair[] = [];
    for (const part of parts) {
      // Some count the padding as text.
      if (part === '') continue;
      const equals = part.indexOf('=');
      const key = part.slice(0, Math.max(equals, 0));
      if (equals < 0 || !keyForm.test(key)) return `${quoted(part)}, which is no key=value`;
      pairs.push([key, part.slice(equals + 1)]);
    }
    return pairs;
  }
}

/** Words of the target in one line of a message. */
export function quoted(words: string): string {
  const line = words.replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 77)}...` : line);
}
