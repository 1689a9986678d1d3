import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readPublicFile, readPublicFileIfAny, readSecretFile } from './files.ts';
import { TlsUnusable } from './unusable.ts';

/** What node:tls takes for a secure context. */
export interface Certificates {
  ca?: string;
  crl?: string;
  cert?: string;
  key?: string;
}

/**
 * Of a directory as nbdkit-tls(1) and libnbd lay it out, `ca-cert.pem`, `ca-crl.pem` where there is one, and the own
 * certificate and key: `server-cert.pem` and `server-key.pem`, or `client-...`. A client needs the CA and may have no
 * certificate; a server needs a certificate, and checks its clients only with a CA. Throws TlsUnusable for whatever is
 * missing, unreadable, no certificate, expired, or does not belong together.
 */
export function readCertificates(directory: string, side: 'client' | 'server'): Certificates {
  requireDirectory(directory);
  const ca = certificateAuthority(join(directory, 'ca-cert.pem'), side);
  const crl = ca === undefined ? undefined : readPublicFileIfAny(join(directory, 'ca-crl.pem'));
  const own = ownCertificate(directory, side);
  return { ...(ca !== undefined && { ca }), ...(crl !== undefined && { crl }), ...own };
}

function requireDirectory(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new TlsUnusable(`${path}: no such directory`);
  if (!found.isDirectory()) throw new TlsUnusable(`${path}: not a directory`);
}

function certificateAuthority(path: string, side: 'client' | 'server'): string | undefined {
  const pem = side === 'client' ? readPublicFile(path) : readPublicFileIfAny(path);
  if (pem !== undefined) requireValid(path, certificateIn(path, pem));
  return pem;
}

function ownCertificate(directory: string, side: 'client' | 'server'): { cert?: string; key?: string } {
  const certPath = join(directory, `${side}-cert.pem`);
  const keyPath = join(directory, `${side}-key.pem`);
  const bare = side === 'client' && isMissing(certPath) && isMissing(keyPath);
  if (bare) return {};
  const cert = readPublicFile(certPath);
  const key = readSecretFile(keyPath);
  const certificate = certificateIn(certPath, cert);
  requireValid(certPath, certificate);
  if (!certificate.checkPrivateKey(keyIn(keyPath, key))) {
    throw new TlsUnusable(`${keyPath}: not the key of ${certPath}`);
  }
  return { cert, key };
}

function isMissing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) === undefined;
}

function certificateIn(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TlsUnusable(`${path}: not a certificate in PEM form`, { cause });
  }
}

function keyIn(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const encrypted = /\bENCRYPTED\b/.test(pem);
    const why = encrypted
      ? 'encrypted; a program cannot be asked for its passphrase'
      : 'not a key in PEM form';
    throw new TlsUnusable(`${path}: ${why}`, { cause });
  }
}

function requireValid(path: string, certificate: X509Certificate): void {
  const now = Date.now();
  if (certificate.validToDate.getTime() < now) {
    throw new TlsUnusable(`${path}: expired on ${certificate.validToDate.toISOString()}`);
  }
  if (certificate.validFromDate.getTime() > now) {
    throw new TlsUnusable(`${path}: not valid before ${certificate.validFromDate.toISOString()}`);
  }
}
