import { readSecretFile } from './files.ts';
import { TlsUnusable } from './unusable.ts';

/** RFC 9257, section 6: at least 128 bits. */
const LEAST_KEY_BYTES = 16;
/** OpenSSL's PSK_MAX_PSK_LEN. */
const MOST_KEY_BYTES = 512;
/** OpenSSL has room for 256 bytes, GnuTLS for 128. */
const MOST_IDENTITY_BYTES = 128;

/** Identities and their keys. Throws TlsUnusable, which names lines and never shows what stands in them. */
export function readPskFile(path: string): ReadonlyMap<string, Uint8Array> {
  return parsePskFile(readSecretFile(path), path);
}

/** `IDENTITY:HEXKEY`, one a line, as psktool(1) writes it. */
export function parsePskFile(text: string, path: string): ReadonlyMap<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const wrong = (what: string): TlsUnusable => new TlsUnusable(`${path}:${index + 1}: ${what}`);
    const [, identity = '', digits = ''] = /^([^:#][^:]*):([0-9A-Fa-f]+)$/.exec(line.trimEnd()) ?? [];
    if (identity === '' || digits.length % 2 !== 0) throw wrong('not IDENTITY:KEY with a key in hexadecimal');
    if (Buffer.byteLength(identity) > MOST_IDENTITY_BYTES) {
      throw wrong(`an identity of more than ${MOST_IDENTITY_BYTES} bytes`);
    }
    if (keys.has(identity)) throw wrong(`identity '${identity}' for the second time`);
    const key = Buffer.from(digits, 'hex');
    if (key.length < LEAST_KEY_BYTES || key.length > MOST_KEY_BYTES) {
      throw wrong(`a key of ${key.length} bytes; it has ${LEAST_KEY_BYTES} to ${MOST_KEY_BYTES}`);
    }
    keys.set(identity, key);
  }
  if (keys.size === 0) throw new TlsUnusable(`${path}: no key in it; a line is IDENTITY:KEY`);
  return keys;
}
