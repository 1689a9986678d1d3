import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Skips a suite, saying so, where there is no openssl(1) to make certificates with. */
export function needsOpenssl(context: Mocha.Context): void {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
  } catch {
    console.log('      skipped: openssl is not installed (Debian package openssl)');
    context.skip();
  }
}

export interface Leaf {
  /** The common name, and unless said otherwise the one name in the certificate. */
  name: string;
  /** As openssl(1) has it: `DNS:localhost,IP:127.0.0.1`. '' for none. */
  names?: string;
  /** Negative: it has expired. */
  days?: number;
  ca?: string;
}

/** Certificates for one test, made on the spot, in a directory that goes with it. */
export class Pki implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'arbiter-pki-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** A directory as a server has it; `ca: false` leaves out the CA, so that clients are not checked. */
  server(leaf: Partial<Leaf> = {}, { ca = true } = {}): string {
    const names = { name: 'localhost', names: 'DNS:localhost,IP:127.0.0.1' };
    return this.directory('server', { ...names, ...leaf }, ca);
  }

  /** A directory as a client has it; null: without a certificate of its own. `trusts`: the CA it believes. */
  client(leaf: Partial<Leaf> | null = {}, { trusts = 'ca' } = {}): string {
    const directory = this.directory('client', leaf === null ? null : { name: 'alpha', ...leaf }, false);
    copyFileSync(this.authority(trusts), join(directory, 'ca-cert.pem'));
    return directory;
  }

  /** Writes `ca-crl.pem` beside a CA, which revokes these certificates. */
  revoke(directory: string, ...certificates: readonly string[]): void {
    const config = this.file('ca.cnf');
    writeFileSync(this.file('index.txt'), '');
    const lines = ['[ca]', 'default_ca=d', '[d]', `database=${this.file('index.txt')}`, 'default_md=sha256'];
    writeFileSync(config, [...lines, 'default_crl_days=30', ''].join('\n'));
    const ca = ['-config', config, '-cert', this.authority('ca'), '-keyfile', this.file('ca.key')];
    for (const certificate of certificates) this.#openssl('ca', ...ca, '-revoke', certificate);
    this.#openssl('ca', ...ca, '-gencrl', '-out', join(directory, 'ca-crl.pem'));
  }

  /** `IDENTITY:KEY` lines in a file for nobody else's eyes. */
  psk(name: string, keys: Readonly<Record<string, string>>): string {
    const lines = Object.entries(keys).map(([identity, key]) => `${identity}:${key}\n`);
    writeFileSync(this.file(name), lines.join(''), { mode: 0o600 });
    return this.file(name);
  }

  /** The certificate of a CA of that name. */
  authority(name: string): string {
    const cert = this.file(`${name}.crt`);
    if (this.#authorities.has(name)) return cert;
    this.#authorities.add(name);
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    const key = [...newKey, '-keyout', this.file(`${name}.key`), '-out', cert];
    this.#openssl('req', '-x509', ...key, '-subj', `/CN=${name} of a test`, '-days', '30', ...usage);
    return cert;
  }

  directory(side: 'client' | 'server', leaf: Leaf | null, ca: boolean): string {
    const directory = this.file(`${side}-${++this.#count}`);
    mkdirSync(directory);
    if (ca) copyFileSync(this.authority('ca'), join(directory, 'ca-cert.pem'));
    if (leaf !== null) this.#issue(join(directory, side), `${side}Auth`, leaf);
    return directory;
  }

  readonly #authorities = new Set<string>();
  #count = 0;

  #issue(stem: string, purpose: string, { name, names = `DNS:${name}`, days = 30, ca = 'ca' }: Leaf): void {
    const by = ['-CA', this.authority(ca), '-CAkey', this.file(`${ca}.key`), '-CAcreateserial'];
    const san = names === '' ? '' : `subjectAltName=${names}\n`;
    writeFileSync(this.file('extensions'), `${san}extendedKeyUsage=${purpose}\n`);
    const request = ['-out', this.file('request'), '-subj', `/CN=${name}`];
    this.#openssl('req', ...newKey, '-keyout', `${stem}-key.pem`, ...request);
    const out = ['-out', `${stem}-cert.pem`, '-days', `${days}`, '-extfile', this.file('extensions')];
    this.#openssl('x509', '-req', '-in', this.file('request'), ...by, ...out);
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A key of 32 bytes, all of them this one. */
export function key(byte: number): string {
  return Buffer.alloc(32, byte).toString('hex');
}
