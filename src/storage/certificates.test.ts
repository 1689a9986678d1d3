import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, rmSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { readCertificates } from '../tls/certificates.ts';
import { needsOpenssl, Pki } from '../tls/pki.fixture.ts';
import { dataName, StorageDir, TestGate } from './gate.fixture.ts';
import { refusedBy, told, withOwner } from './tls-client.fixture.ts';

describe('the gate with certificates', function () {
  this.timeout(30_000);
  let pki: Pki;
  before(function () {
    needsOpenssl(this);
    pki = new Pki();
  });
  after(() => pki?.[Symbol.dispose]());

  const uri = (gate: TestGate, directory: string, name: string): string =>
    `nbds://${gate.address}/${name}?tls-certificates=${directory}`;

  it('lets a node in by its common name or any other name, and no other node', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls: { mode: 'require', certificates: pki.server() } });
    const byCommonName = pki.client({ name: 'alpha', names: '' });
    const byOtherName = pki.client({ name: 'rack 3', names: 'DNS:host.example,DNS:alpha' });
    const both = pki.client({ name: 'alpha', names: 'DNS:host.example' });
    await withOwner(gate, uri(gate, byCommonName, 'quorum'));
    for (const directory of [byCommonName, byOtherName, both]) {
      assert.match(await told(uri(gate, directory, dataName('alpha', 5))), /^opened/);
    }
    for (const [leaf, text] of [
      [{ name: 'beta' }, 'beta'],
      [{ name: 'alpha.example', names: 'DNS:alpha.example' }, 'alpha.example'],
      [{ name: '*', names: 'DNS:*' }, '*'],
    ] as const) {
      const reason = `the TLS identity '${text}' is not the node 'alpha'`;
      assert.equal(await told(uri(gate, pki.client(leaf), dataName('alpha', 5))), refusedBy(reason));
    }
    const identities = gate.audit.all('admitted').map(({ identity }) => identity);
    assert.deepEqual(identities, ['alpha', 'rack 3', 'alpha']);
  });

  it('ends clients whose certificate is of another CA, missing, revoked or for a server', async () => {
    using dir = new StorageDir();
    const directory = pki.server();
    await using gate = await TestGate.start(dir, { tls: { mode: 'require', certificates: directory } });
    const revoked = pki.client();
    pki.revoke(directory, `${revoked}/client-cert.pem`);
    const server = pki.client(null);
    for (const what of ['cert', 'key']) {
      copyFileSync(`${directory}/server-${what}.pem`, `${server}/client-${what}.pem`);
    }
    for (const client of [pki.client({ ca: 'other' }), pki.client(null), revoked, server]) {
      assert.match(await told(uri(gate, client, 'quorum')), /does not accept|may not accept/);
    }
    const reasons = gate.audit.all('disconnected').map(({ reason }) => reason);
    assert.deepEqual(reasons, [
      "the TLS handshake failed: the client's certificate is not of the CA in ca-cert.pem",
      'the TLS handshake failed: the client shows no certificate',
      "the TLS handshake failed: the client's certificate was revoked",
      "the TLS handshake failed: the client's certificate is for another purpose",
    ]);
  });

  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    it(`has a client show its certificate on every connection, over ${maxVersion}`, async () => {
      using dir = new StorageDir();
      await using gate = await TestGate.start(dir, {
        tls: { mode: 'require', certificates: pki.server() },
      });
      const own = readCertificates(pki.client(), 'client');
      const options: ConnectionOptions = { ...own, servername: 'localhost', maxVersion };
      const client = await gate.connect();
      const first = await client.secure(options);
      const given = maxVersion === 'TLSv1.3' ? once(first, 'session') : [first.getSession()];
      await client.go('quorum');
      const [session] = (await given) as [Buffer];
      const second = await (await gate.connect()).secure({ ...options, session });
      assert.equal(second.isSessionReused(), false);
    });
  }

  it('without a CA does not ask clients who they are', async () => {
    using dir = new StorageDir();
    const certificates = pki.server({}, { ca: false });
    await using gate = await TestGate.start(dir, { tls: { mode: 'require', certificates } });
    const client = pki.client(null);
    await withOwner(gate, uri(gate, client, 'quorum'));
    assert.match(await told(uri(gate, client, dataName('alpha', 5))), /^opened/);
    assert.equal(gate.audit.all('admitted')[0]!.identity, null);
  });

  it('cannot start with an expired certificate, or without its key', async () => {
    using dir = new StorageDir();
    const start = (certificates: string): Promise<TestGate> =>
      TestGate.start(dir, { tls: { mode: 'on', certificates } });
    await assert.rejects(start(pki.server({ days: -1 })), {
      name: 'StorageUnusable',
      message: /^storage: .*\/server-cert\.pem: expired on /,
    });
    const directory = pki.server();
    rmSync(`${directory}/server-key.pem`);
    await assert.rejects(start(directory), { message: `storage: ${directory}/server-key.pem: no such file` });
  });
});
