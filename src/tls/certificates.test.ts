import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { readCertificates } from './certificates.ts';
import { needsOpenssl, Pki } from './pki.fixture.ts';

/** What is wrong with a directory; its path is `#`. */
function problem(directory: string, side: 'client' | 'server'): string {
  try {
    return Object.keys(readCertificates(directory, side)).join(' ');
  } catch (error) {
    assert.equal((error as Error).name, 'TlsUnusable');
    return (error as Error).message.replaceAll(directory, '#').replace(/ on \d{4}-.*Z$/, ' on DATE');
  }
}

describe('a directory of certificates', function () {
  this.timeout(20_000);
  before(function () {
    needsOpenssl(this);
  });

  it('of a client has a CA, and a certificate with its key or neither', () => {
    using pki = new Pki();
    const client = pki.client();
    assert.equal(problem(client, 'client'), 'ca cert key');
    assert.equal(problem(pki.client(null), 'client'), 'ca');
    rmSync(join(client, 'client-key.pem'));
    assert.equal(problem(client, 'client'), '#/client-key.pem: no such file');
    rmSync(join(client, 'ca-cert.pem'));
    assert.equal(problem(client, 'client'), '#/ca-cert.pem: no such file');
  });

  it('of a server has a certificate and its key, a CA where clients are checked, and its revocations', () => {
    using pki = new Pki();
    const server = pki.server();
    assert.equal(problem(server, 'server'), 'ca cert key');
    pki.revoke(server);
    assert.equal(problem(server, 'server'), 'ca crl cert key');
    assert.equal(problem(pki.server({}, { ca: false }), 'server'), 'cert key');
    rmSync(join(server, 'server-cert.pem'));
    assert.equal(problem(server, 'server'), '#/server-cert.pem: no such file');
  });

  it('is refused when something in it is not what it is called', () => {
    using pki = new Pki();
    const [one, other] = [pki.server(), pki.server()];
    const keyFile = join(one, 'server-key.pem');
    copyFileSync(join(other, 'server-key.pem'), keyFile);
    assert.equal(problem(one, 'server'), '#/server-key.pem: not the key of #/server-cert.pem');
    execFileSync('openssl', ['ec', '-aes256', '-passout', 'pass:x', '-in', keyFile, '-out', keyFile], {
      stdio: 'ignore',
    });
    const encrypted = 'encrypted; a program cannot be asked for its passphrase';
    assert.equal(problem(one, 'server'), `#/server-key.pem: ${encrypted}`);
    writeFileSync(keyFile, 'no key');
    assert.equal(problem(one, 'server'), '#/server-key.pem: not a key in PEM form');
    writeFileSync(join(one, 'server-cert.pem'), 'no certificate');
    assert.equal(problem(one, 'server'), '#/server-cert.pem: not a certificate in PEM form');
    assert.equal(problem(keyFile, 'server'), '#: not a directory');
    assert.equal(problem(join(one, 'none'), 'server'), '#: no such directory');
  });

  it('is refused when its certificate has expired, and when others may use its key', () => {
    using pki = new Pki();
    assert.equal(problem(pki.server({ days: -1 }), 'server'), '#/server-cert.pem: expired on DATE');
    const server = pki.server();
    chmodSync(join(server, 'server-key.pem'), 0o644);
    const text = 'others may use it (mode 0644), so it is no secret; chmod 600 it';
    assert.equal(problem(server, 'server'), `#/server-key.pem: ${text}`);
  });
});
