import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { key, Pki } from '../tls/pki.fixture.ts';
import { pskCiphers } from '../tls/settings.ts';
import { NBD_OPT } from '../wire/nbd/constants.ts';
import { exportName, go, option } from '../wire/nbd/server/client-bytes.fixture.ts';
import {
  DATA_BYTES,
  dataName,
  owned,
  QUORUM_BYTES,
  recordSector,
  StorageDir,
  TestGate,
} from './gate.fixture.ts';
import type { GateTlsOptions } from './tls.ts';
import { device, refusedBy, told, withOwner } from './tls-client.fixture.ts';

const alphaByKey: ConnectionOptions = {
  ciphers: pskCiphers,
  pskCallback: () => ({ identity: 'alpha', psk: Buffer.from(key(1), 'hex') }),
  checkServerIdentity: () => undefined,
};

describe('the gate with pre-shared keys', () => {
  let pki: Pki;
  let tls: GateTlsOptions;
  let uri: (gate: TestGate, identity: string, name: string, file?: string) => string;
  before(() => {
    pki = new Pki();
    const file = pki.psk('keys.psk', { alpha: key(1), beta: key(2) });
    tls = { mode: 'require', pskFile: file };
    uri = (gate, identity, name, keys = file) =>
      `nbds://${identity}@${gate.address}/${name}?tls-psk-file=${keys}`;
  });
  after(() => pki[Symbol.dispose]());

  it('lets a node into the data area by its own key, and says in the audit who it was', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    await withOwner(gate, uri(gate, 'beta', 'quorum'));
    await using data = await device(uri(gate, 'alpha', dataName('alpha', 5)));
    assert.equal(data.sizeBytes, DATA_BYTES);
    await data.writeDurably(0, Buffer.alloc(4096, 7), 5000);
    assert.deepEqual((await data.read(0, 512, 5000))[511], 7);
    assert.deepEqual(
      gate.audit.all('connected').map(({ export: name, identity }) => [name, identity]),
      [
        ['quorum', 'beta'],
        [dataName('alpha', 5), 'alpha'],
      ],
    );
    assert.equal(gate.audit.all('admitted')[0]!.identity, 'alpha');
  });

  it("refuses a node another's name, says so in the audit, and tells it no epoch", async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    await withOwner(gate, uri(gate, 'beta', 'quorum'));
    const reason = "the TLS identity 'beta' is not the node 'alpha'";
    assert.equal(await told(uri(gate, 'beta', dataName('alpha', 5))), refusedBy(reason));
    const [refused] = gate.audit.all('refused');
    const { export: name, node, epoch, lastGranted, identity } = refused!;
    assert.deepEqual(
      { name, node, epoch, lastGranted, identity, reason: refused!.reason },
      { name: dataName('alpha', 5), node: 'alpha', epoch: 5, lastGranted: 5, identity: 'beta', reason },
    );
    assert.equal(gate.audit.all('admitted').length, 0);
  });

  it('does so without fencing too', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls, fencing: false });
    const reason = "the TLS identity 'beta' is not the node 'alpha'";
    assert.equal(await told(uri(gate, 'beta', dataName('alpha', 5))), refusedBy(reason));
    assert.match(await told(uri(gate, 'beta', 'data@beta.0')), /^opened/);
  });

  it('tells the audit why a handshake failed', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    const wrong = pki.psk('wrong.psk', { alpha: key(9), gamma: key(9) });
    assert.equal(await told(uri(gate, 'alpha', 'quorum', wrong)), "the server has another key of 'alpha'");
    assert.match(await told(uri(gate, 'gamma', 'quorum', wrong)), /^the server knows no key of 'gamma'/);
    const client = await gate.connect();
    client.send(option(NBD_OPT.STARTTLS));
    await client.acknowledged();
    client.send(go('quorum'));
    await client.closed;
    const reasons = gate.audit.all('disconnected').map(({ reason }) => reason);
    assert.deepEqual(reasons, [
      "the TLS handshake failed: the client has another key of 'alpha'",
      `the TLS handshake failed: no key of 'gamma' in ${pki.file('keys.psk')}`,
      'the TLS handshake failed: what the client sent is not TLS',
    ]);
  });

  it('ends a client that says nothing', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls: { ...tls, handshakeMs: 50 } });
    const client = await gate.connect();
    client.send(option(NBD_OPT.STARTTLS));
    await client.closed;
    const { reason } = await gate.audit.line('disconnected');
    assert.equal(reason, 'the TLS handshake failed: it was not finished in time');
  });

  it('ends a client that goes away in the handshake, or speaks in plain with the same breath', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    const [gone, eager] = [await gate.connect(), await gate.connect()];
    gone.send(option(NBD_OPT.STARTTLS));
    await gone.acknowledged();
    gone.destroy();
    const first = await gate.audit.line('disconnected');
    eager.send(Buffer.concat([option(NBD_OPT.STARTTLS), go('quorum')]));
    const second = await gate.audit.line('disconnected', ({ connection }) => connection === 2);
    assert.deepEqual(
      [first.reason, second.reason],
      [
        'the TLS handshake failed: the client closed the connection',
        'protocol error: 28 bytes in plain behind NBD_OPT_STARTTLS',
      ],
    );
  });

  it('still answers a client that has nothing more to ask', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    const client = await gate.connect();
    await client.secure(alphaByKey);
    assert.deepEqual(await client.go('quorum'), { sizeBytes: QUORUM_BYTES });
    const answer = client.write(1024, Buffer.alloc(512, 1), { fua: true });
    client.end();
    assert.equal((await answer).outcome, 'ok');
  });

  it('stops in the middle of a handshake', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    const client = await gate.connect();
    client.send(option(NBD_OPT.STARTTLS));
    await client.acknowledged();
    // Longer than the runner waits: nothing is under way that would be worth it.
    await gate.gate.stop(600_000);
    await client.closed;
    assert.equal(gate.audit.all('disconnected')[0]!.reason, 'the gate stops');
  });

  it('when TLS is required, tells a client in plain so; when it is on, lets it in', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    assert.equal(
      await told(gate.uri('quorum')),
      'the server refused the export with NBD_REP_ERR_TLS_REQD: TLS is required here: NBD_OPT_STARTTLS comes first',
    );
    const client = await gate.connect();
    client.send(exportName('quorum'));
    await client.closed;
    assert.equal(
      gate.audit.all('disconnected').at(-1)!.reason,
      'protocol error: an export is asked for without TLS, which is required',
    );
    using other = new StorageDir();
    await using open = await TestGate.start(other, { tls: { ...tls, mode: 'on' } });
    assert.match(await told(open.uri('quorum')), /^opened/);
    assert.match(await told(uri(open, 'alpha', 'quorum')), /^opened/);
    assert.deepEqual(
      open.audit.all('connected').map((line) => ('identity' in line ? line.identity : 'in plain')),
      ['in plain', 'alpha'],
    );
  });

  it('a gate without TLS has none for a client that wants it', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir);
    assert.equal(
      await told(uri(gate, 'alpha', 'quorum')),
      'the server has no TLS, and nothing goes there in plain (NBD_REP_ERR_UNSUP: option 5 is not supported)',
    );
  });

  it('takes up keys that were added, and keeps the old ones when the file is no good any more', async () => {
    using dir = new StorageDir();
    const file = pki.psk('growing.psk', { alpha: key(1) });
    await using gate = await TestGate.start(dir, { tls: { mode: 'require', pskFile: file } });
    const all = pki.file('keys.psk');
    assert.match(await told(uri(gate, 'beta', 'quorum', all)), /^the server knows no key of 'beta'/);
    pki.psk('growing.psk', { alpha: key(1), beta: key(2) });
    assert.match(await told(uri(gate, 'beta', 'quorum', all)), /^opened/);
    writeFileSync(file, 'nonsense');
    for (const name of ['beta', 'alpha', 'beta']) {
      assert.match(await told(uri(gate, name, 'quorum', all)), /^opened/);
    }
    assert.deepEqual(gate.troubles, [
      `storage: ${file}:1: not IDENTITY:KEY with a key in hexadecimal: what was read before stays in use; once it is mended, the next client gets it`,
    ]);
  });

  it('carries large requests, many at a time, and ends a former owner under TLS as in plain', async () => {
    using dir = new StorageDir();
    await using gate = await TestGate.start(dir, { tls });
    await withOwner(gate, uri(gate, 'alpha', 'quorum'));
    await using data = await device(uri(gate, 'alpha', dataName('alpha', 5)));
    const parts = Array.from({ length: 16 }, (_, index) => Buffer.alloc(65536, index + 1));
    await Promise.all(parts.map((part, index) => data.writeDurably(index * part.length, part, 5000)));
    assert.deepEqual(Buffer.from(await data.read(0, DATA_BYTES, 5000)), Buffer.concat(parts));
    await using quorum = await device(uri(gate, 'beta', 'quorum'));
    await quorum.writeDurably(512, recordSector(owned('beta', 7)), 5000);
    const drained = await gate.audit.line('drained', ({ epoch }) => epoch === 7);
    assert.equal(drained.connectionsEnded, 1);
    // The first one may still have been on its way when the connection ended.
    await assert.rejects(data.writeDurably(0, parts[0]!, 5000));
    await assert.rejects(data.writeDurably(0, parts[0]!, 5000), /epoch 5 is over/);
  });

  it('cannot start without its keys', async () => {
    using dir = new StorageDir();
    const started = TestGate.start(dir, { tls: { mode: 'require', pskFile: '/none.psk' } });
    await assert.rejects(started, { name: 'StorageUnusable', message: 'storage: /none.psk: no such file' });
  });
});
