import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { type Certificates, readCertificates } from '../tls/certificates.ts';
import { certificateFault, isNotTls, tlsReason } from '../tls/failure.ts';
import { readPskFile } from '../tls/psk-file.ts';
import { commonSettings, pskCiphers } from '../tls/settings.ts';
import { TlsUnusable } from '../tls/unusable.ts';
import type { TlsMode } from '../wire/nbd/server/start-tls.ts';
import { TellOnce } from './tell-once.ts';
import { StorageUnusable } from './unusable.ts';

export type GateTlsOptions = GateKeys & {
  mode: Exclude<TlsMode, 'off'>;
  /** How long a handshake may take; a client that has got its acknowledgement has nothing else to do. */
  handshakeMs?: number;
};

/** A directory as nbdkit-tls(1) lays it out, or a file of pre-shared keys. */
type GateKeys = { certificates: string } | { pskFile: string };

/** Who a client has shown to be. */
export interface TlsIdentity {
  /** For people: the identity of its key, or the common name in its certificate. */
  readonly text: string;
  /** Whether it is this node: by its key, or by any name in its certificate. */
  isNode(node: string): boolean;
}

/** The server's part of TLS. */
export interface GateTls {
  readonly mode: GateTlsOptions['mode'];
  /**
   * Sends the acknowledgement, the last bytes in plain, and then expects a handshake. `identity` is null when no
   * certificate was asked for. Rejects with the reason in words; ending the connection is left to the caller.
   */
  secure(
    plain: Socket,
    acknowledgement: Uint8Array,
  ): Promise<{ socket: TLSSocket; identity: TlsIdentity | null }>;
}

const HANDSHAKE_MS = 10_000;

/**
 * The files are read at once, and again for every client, so that a new node's key or a renewed certificate needs no
 * restart; ones that cannot be used any more are reported, and the last good ones stay. Throws StorageUnusable.
 */
export function gateTls(
  { mode, handshakeMs = HANDSHAKE_MS, ...keys }: GateTlsOptions,
  onTrouble: (line: string) => void,
): GateTls {
  let latest = readKeys(keys);
  const unusable = new TellOnce(onTrouble);
  const renew = (): void => {
    try {
      latest = readKeys(keys);
      unusable.over();
    } catch (error) {
      unusable.trouble(
        `${(error as Error).message}: what was read before stays in use; once it is mended, the next client gets it`,
      );
    }
  };
  return {
    mode,
    secure: (plain, acknowledgement) => {
      renew();
      return secure(plain, acknowledgement, latest, handshakeMs);
    },
  };
}

type Keys = { certificates: Certificates } | { psk: ReadonlyMap<string, Uint8Array>; file: string };

function readKeys(from: GateKeys): Keys {
  try {
    if ('pskFile' in from) return { psk: readPskFile(from.pskFile), file: from.pskFile };
    return { certificates: readCertificates(from.certificates, 'server') };
  } catch (error) {
    if (!(error instanceof TlsUnusable)) throw error;
    throw new StorageUnusable(`storage: ${error.message}`, { cause: error });
  }
}

/**
 * One client's handshake. Its server is its own: what is learnt in it is of nobody else, and no session can be taken up
 * again, so that every connection shows anew who it is.
 */
function secure(
  plain: Socket,
  acknowledgement: Uint8Array,
  keys: Keys,
  handshakeMs: number,
): ReturnType<GateTls['secure']> {
  const check = 'psk' in keys ? byKey(keys.psk, keys.file) : byCertificate(keys.certificates);
  const server = createServer({ ...commonSettings, ...check.options, handshakeTimeout: handshakeMs });
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(reason));
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.allowHalfOpen = allowHalfOpen;
      const identity = check.identify(socket);
      if (identity === undefined) fail('the client has not shown who it is');
      else resolve({ socket, identity });
    });
    server.on('tlsClientError', (error, socket) => fail(check.fault(error, socket) ?? commonFault(error)));
    // Half a connection is no good for a handshake; afterwards, what was asked is still answered.
    const { allowHalfOpen } = plain;
    plain.allowHalfOpen = false;
    plain.on('error', () => undefined);
    plain.once('close', () => setImmediate(() => fail('the client closed the connection')));
    plain.write(acknowledgement, (error) => {
      if (error === undefined || error === null) server.emit('connection', plain);
    });
  });
}

/** How the clients of a gate show who they are. */
interface Check {
  options: TlsOptions;
  /** After a handshake that succeeded. Undefined: not at all, although it is wanted. */
  identify(socket: TLSSocket): TlsIdentity | null | undefined;
  /** After one that did not, where there is more to say than OpenSSL does. */
  fault(error: Error, socket: TLSSocket): string | undefined;
}

function byKey(keys: ReadonlyMap<string, Uint8Array>, file: string): Check {
  // OpenSSL goes on with the key that it was given last, and without one there is no session here.
  let offered: { identity: string; known: boolean } | undefined;
  const pskCallback = (_socket: TLSSocket, identity: string): Uint8Array | null => {
    const key = keys.get(identity);
    offered = { identity, known: key !== undefined };
    return key ?? null;
  };
  return {
    options: { ciphers: pskCiphers, pskCallback },
    identify: () => {
      if (offered?.known !== true) return undefined;
      const { identity } = offered;
      return { text: identity, isNode: (node) => node === identity };
    },
    fault: (error) => {
      if (offered === undefined)
        return codeOf(error) === NO_KEY_OFFERED ? 'the client offers no key' : undefined;
      const { identity, known } = offered;
      if (!known) return `no key of '${identity.slice(0, 64)}' in ${file}`;
      return WRONG_KEY.has(codeOf(error)) ? `the client has another key of '${identity}'` : undefined;
    },
  };
}

/** TLS 1.3 goes on to certificates then, of which there are none. */
const NO_KEY_OFFERED = 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM';
/** Of TLS 1.3, and of 1.2. */
const WRONG_KEY: ReadonlySet<string> = new Set([
  'ERR_SSL_BINDER_DOES_NOT_VERIFY',
  'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
]);

function byCertificate(certificates: Certificates): Check {
  const checked = certificates.ca !== undefined;
  return {
    options: { ...certificates, requestCert: checked, rejectUnauthorized: checked },
    identify: (socket) => (checked ? identityIn(socket.getPeerX509Certificate()) : null),
    fault: (error, { authorizationError }) => {
      if (codeOf(error) === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
        return 'the client shows no certificate';
      const code = String(authorizationError ?? '');
      return code === ''
        ? undefined
        : `the client's certificate ${certificateFault(code) ?? `is not good: ${code}`}`;
    },
  };
}

function identityIn(certificate: X509Certificate | undefined): TlsIdentity | undefined {
  if (certificate === undefined) return undefined;
  const text =
    /^CN=(.*)$/m.exec(certificate.subject)?.[1] ??
    certificate.subjectAltName ??
    'a certificate without names';
  const exactly = { subject: 'always', wildcards: false, partialWildcards: false } as const;
  return { text, isNode: (node) => certificate.checkHost(node, exactly) !== undefined };
}

function commonFault(error: Error): string {
  const code = codeOf(error);
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'it was not finished in time';
  if (code === 'ECONNRESET') return 'the client closed the connection';
  return isNotTls(code) ? 'what the client sent is not TLS' : tlsReason(error);
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
