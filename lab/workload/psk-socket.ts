import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/**
 * TLS over a connection, by the key of `identity` in `file` (a line `IDENTITY:HEXKEY` each): the server has the same one,
 * or there is no connection. Throws when there is no such file or key.
 */
export function secureByKey(
  plain: Socket,
  { identity, file }: { identity: string; file: string },
): TLSSocket {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${identity}:`));
  if (line === undefined) throw new Error(`${file}: no key of '${identity}'`);
  const psk = Buffer.from(line.slice(identity.length + 1).trim(), 'hex');
  return connect({
    ...{ socket: plain, minVersion: 'TLSv1.3', ca: [] },
    // The one whose hash belongs to a key that comes from a callback (RFC 8446, section 4.2.11).
    ciphers: 'TLS_AES_128_GCM_SHA256',
    pskCallback: () => ({ identity, psk }),
    checkServerIdentity: (_host, certificate) =>
      Object.keys(certificate).length === 0 ? undefined : new Error('a certificate in the place of a key'),
  });
}
