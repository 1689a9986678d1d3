import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { readCertificates } from '../../tls/certificates.ts';
import { alertIn, certificateFault, isNotTls, TLS_ALERT, tlsReason } from '../../tls/failure.ts';
import { readPskFile } from '../../tls/psk-file.ts';
import { commonSettings, pskCiphers } from '../../tls/settings.ts';
import { TlsUnusable } from '../../tls/unusable.ts';
import type { TlsAccess } from '../uri-tls.ts';

/** TLS for one connection. */
export interface ClientTls {
  /** Starts TLS on the connection. Whatever becomes of it is told by the events of the new socket. */
  start(transport: Socket): TLSSocket;
  /** Why server and client do not come together, one line; undefined for an error of the connection, which may be had again. */
  refusal(error: Error): string | undefined;
  /** What a server may have meant that ended the connection without a word, as nbdkit does. */
  readonly silentRefusal: string;
}

/** Reads the files of `access`: anew for every connection, so that a renewed certificate is used by the next one. Throws TlsUnusable. */
export function clientTls(access: TlsAccess): ClientTls {
  const { options, shows } = access.kind === 'psk' ? preSharedKey(access) : certificates(access);
  const what = access.kind === 'psk' ? `the key of ${shows}` : shows;
  return {
    start: (transport) => connect({ ...options, ...commonSettings, socket: transport }),
    refusal: (error) => refusalOf(error, access, shows),
    silentRefusal: `the server ended the connection during the TLS handshake; it may not accept ${what}`,
  };
}

/** `shows`: who this client says it is, as far as it has a name. */
interface Credentials {
  options: ConnectionOptions;
  shows: string;
}

/** Code of the own error for a server that was not asked for a certificate and has one. */
const NOT_BY_KEY = 'ERR_NOT_BY_KEY';

function preSharedKey({ file, identity = userInfo().username }: TlsAccess & { kind: 'psk' }): Credentials {
  const psk = readPskFile(file).get(identity);
  if (psk === undefined) {
    throw new TlsUnusable(`${file}: no key of '${identity}', which is named in nbds://IDENTITY@HOST`);
  }
  const options: ConnectionOptions = {
    // Not even the certificates that everybody believes: this server is known by its key alone.
    ca: [],
    ciphers: pskCiphers,
    pskCallback: () => ({ identity, psk }),
    checkServerIdentity: (_hostname, certificate) =>
      Object.keys(certificate).length === 0
        ? undefined
        : Object.assign(new Error('a certificate in the place of a key'), { code: NOT_BY_KEY }),
  };
  return { options, shows: `'${identity}'` };
}

function certificates({ directory, hostname }: TlsAccess & { kind: 'certificates' }): Credentials {
  const read = readCertificates(directory, 'client');
  const options: ConnectionOptions = {
    ...read,
    // An address has no place in SNI (RFC 6066, section 3).
    servername: isIP(hostname) === 0 ? hostname : '',
    checkServerIdentity: (_hostname, certificate) => checkServerIdentity(hostname, certificate),
  };
  const shows =
    read.cert === undefined
      ? `a client without a certificate (${directory} has no client-cert.pem)`
      : `${directory}/client-cert.pem`;
  return { options, shows };
}

function refusalOf(error: Error, access: TlsAccess, shows: string): string | undefined {
  const { code = '', cert } = error as { code?: string; cert?: { subjectaltname?: string } };
  const fault = certificateFault(code);
  if (access.kind === 'psk') {
    if (fault !== undefined || code === NOT_BY_KEY) {
      return 'the server shows a certificate, and does not take pre-shared keys';
    }
  } else if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the server's certificate is for ${cert?.subjectaltname ?? 'another name'}, not for ${access.hostname}`;
  } else if (fault !== undefined) {
    return `the server's certificate ${fault}`;
  }
  if (isNotTls(code)) return 'what the server sent behind NBD_OPT_STARTTLS is not TLS';
  const alert = alertIn(error);
  const told = alert === undefined ? undefined : alertText(alert, access.kind, shows);
  return told ?? (code.startsWith('ERR_SSL_') ? `TLS failed: ${tlsReason(error)}` : undefined);
}

function alertText(alert: number, by: TlsAccess['kind'], shows: string): string | undefined {
  const byKey = by === 'psk';
  switch (alert) {
    case TLS_ALERT.unknownPskIdentity:
      return `the server knows no key of ${shows}`;
    case TLS_ALERT.badRecordMac:
    case TLS_ALERT.decryptError:
      return byKey ? `the server has another key of ${shows}` : undefined;
    case TLS_ALERT.handshakeFailure:
      return byKey
        ? `the server knows no key of ${shows}, or takes no pre-shared keys`
        : `the server does not accept ${shows}, or takes no certificates`;
    case TLS_ALERT.certificateRequired:
    case TLS_ALERT.badCertificate:
    case TLS_ALERT.unsupportedCertificate:
    case TLS_ALERT.certificateRevoked:
    case TLS_ALERT.certificateExpired:
    case TLS_ALERT.certificateUnknown:
    case TLS_ALERT.unknownCa:
      return byKey ? undefined : `the server does not accept ${shows}`;
    default:
      return undefined;
  }
}
