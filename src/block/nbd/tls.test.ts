import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates, type TlsOptions, type TLSSocket } from 'node:tls';
import { DeviceUnusable, OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import { readCertificates } from '../../tls/certificates.ts';
import { key, needsOpenssl, Pki } from '../../tls/pki.fixture.ts';
import { pskCiphers } from '../../tls/settings.ts';
import { NBD_OPT, NBD_REP, NBD_REP_ERR } from '../../wire/nbd/constants.ts';
import {
  acknowledgement,
  bytesOf,
  infoExport,
  optionReply,
  structuredRefused,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { optionAbort } from '../../wire/nbd/option.ts';
import type { TlsAccess } from '../uri-tls.ts';
import { NbdConnection } from './connection.ts';
import { type OnStartTls, startsTls, TlsServer, welcomes } from './tls-server.fixture.ts';

const long = 5000;

function open(server: TlsServer, tls: TlsAccess, deadlineMs = long): Promise<NbdConnection> {
  const address = { host: '127.0.0.1', port: server.port, tls };
  return NbdConnection.open({ address, exportName: 'quorum', deadlineMs });
}

/** How opening it ends, without the name of the server. */
async function failure(server: TlsServer, tls: TlsAccess, deadlineMs = long): Promise<string> {
  const error: unknown = await open(server, tls, deadlineMs).then(
    () => assert.fail('it was opened'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof DeviceUnusable || error instanceof RequestFailed, String(error));
  assert.doesNotMatch(error.message, /\n/);
  return `${error.name}: ${error.message.replace(/^nbds:\S+: /, '')}`;
}

function withKeys(keys: Readonly<Record<string, string>>, more: TlsOptions = {}): OnStartTls {
  const pskCallback = (_socket: unknown, identity: string): Buffer | null =>
    Object.hasOwn(keys, identity) ? Buffer.from(keys[identity]!, 'hex') : null;
  return startsTls({ ciphers: pskCiphers, pskCallback, ...more });
}

/** A CA that is trusted where none is named, for as long as it is not disposed of. */
function believedByEverybody(ca: string): Disposable {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, ca]);
  return { [Symbol.dispose]: () => setDefaultCACertificates(before) };
}

const refuses =
  (type: number, text = ''): OnStartTls =>
  (socket) =>
    socket.write(optionReply(type, bytesOf(text), NBD_OPT.STARTTLS));

const goOn = optionReply(NBD_REP.ACK, bytesOf(), NBD_OPT.STARTTLS);

describe('TLS by a pre-shared key', () => {
  let pki: Pki;
  let alpha: TlsAccess;
  before(() => {
    pki = new Pki();
    alpha = { kind: 'psk', file: pki.psk('alpha.psk', { alpha: key(1) }), identity: 'alpha' };
  });
  after(() => pki[Symbol.dispose]());

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    it(`opens an export over ${version}, and says nothing of it in plain`, async () => {
      await using server = await TlsServer.listen(withKeys({ alpha: key(1) }, { maxVersion: version }));
      await using connection = await open(server, alpha);
      assert.equal(connection.info.sizeBytes, 65536);
      assert.equal(
        connection.target.name,
        `nbds://alpha@127.0.0.1:${server.port}/quorum?tls-psk-file=${pki.file('alpha.psk')}`,
      );
      assert.deepEqual(server.plain, [bytesOf([32, 3], 'IHAVEOPT', [32, 5], [32, 0])]);
    });

    it(`fails when the server has another key, or none of that name, over ${version}`, async () => {
      await using server = await TlsServer.listen(withKeys({ alpha: key(2) }, { maxVersion: version }));
      assert.equal(await failure(server, alpha), "DeviceUnusable: the server has another key of 'alpha'");
      server.answer = withKeys({ beta: key(1) }, { maxVersion: version });
      assert.match(await failure(server, alpha), /^DeviceUnusable: the server knows no key of 'alpha'/);
    });
  }

  it('does not go on in plain with a server that has no TLS', async () => {
    await using server = await TlsServer.listen(refuses(NBD_REP_ERR.UNSUP));
    const plain = 'DeviceUnusable: the server has no TLS, and nothing goes there in plain';
    assert.equal(await failure(server, alpha), `${plain} (NBD_REP_ERR_UNSUP)`);
    server.answer = refuses(NBD_REP_ERR.POLICY, 'not today');
    assert.equal(await failure(server, alpha), `${plain} (NBD_REP_ERR_POLICY: not today)`);
    server.answer = refuses(NBD_REP_ERR.SHUTDOWN);
    assert.equal(
      await failure(server, alpha),
      'RequestFailed: not connected: the server refused TLS with NBD_REP_ERR_SHUTDOWN',
    );
    const asked = bytesOf([32, 3], 'IHAVEOPT', [32, 5], [32, 0]);
    for (const said of server.plain) assert.deepEqual(said, asked);
  });

  it('takes its leave from a server that has no TLS', async () => {
    const chunks: Buffer[] = [];
    await using server = await TlsServer.listen((socket) => {
      socket.on('data', (chunk) => chunks.push(chunk));
      refuses(NBD_REP_ERR.UNSUP)(socket);
    });
    await failure(server, alpha);
    await once(server.latest, 'close');
    assert.deepEqual(Buffer.concat(chunks), Buffer.from(optionAbort()));
  });

  it('does not believe what came in plain behind the acknowledgement', async () => {
    const injected = bytesOf(infoExport(1 << 30), acknowledgement);
    await using server = await TlsServer.listen((socket) => socket.write(bytesOf(goOn, injected)));
    assert.match(
      await failure(server, alpha),
      /^DeviceUnusable: 52 bytes in plain behind the acknowledgement of NBD_OPT_STARTTLS; /,
    );
    server.answer = (socket) => {
      socket.write(goOn);
      socket.once('data', () => socket.write(injected));
    };
    assert.equal(
      await failure(server, alpha),
      'DeviceUnusable: what the server sent behind NBD_OPT_STARTTLS is not TLS',
    );
  });

  it('fails at the deadline when the handshake is not answered, or nothing after it', async () => {
    await using server = await TlsServer.listen((socket) => socket.write(goOn));
    assert.equal(
      await failure(server, alpha, 200),
      'RequestFailed: not connected: no TLS handshake within 200 ms',
    );
    const pskCallback = (): Buffer => Buffer.from(key(1), 'hex');
    server.answer = startsTls({ ciphers: pskCiphers, pskCallback }, () => undefined);
    assert.equal(
      await failure(server, alpha, 500),
      'RequestFailed: not connected: no NBD negotiation within 500 ms',
    );
  });

  it('says what may be meant when the server goes without a word', async () => {
    await using server = await TlsServer.listen((socket) => socket.end(goOn));
    const text =
      "the server ended the connection during the TLS handshake; it may not accept the key of 'alpha'";
    assert.equal(await failure(server, alpha), `RequestFailed: not connected: ${text}`);
    const pskCallback = (): Buffer => Buffer.from(key(1), 'hex');
    server.answer = startsTls({ ciphers: pskCiphers, pskCallback }, (socket) => socket.end());
    assert.equal(await failure(server, alpha), `RequestFailed: not connected: ${text}`);
    server.answer = startsTls({ ciphers: pskCiphers, pskCallback }, (socket) => {
      socket.end(bytesOf(structuredRefused, infoExport(65536)));
    });
    assert.equal(
      await failure(server, alpha),
      'RequestFailed: not connected: the server closed the connection while negotiating',
    );
  });

  it('fails before anything is sent when there is no such file or no such key', async () => {
    await using server = await TlsServer.listen(withKeys({}));
    const file = pki.file('alpha.psk');
    assert.equal(
      await failure(server, { kind: 'psk', file: '/none', identity: 'alpha' }),
      'DeviceUnusable: /none: no such file',
    );
    assert.equal(
      await failure(server, { kind: 'psk', file, identity: 'beta' }),
      `DeviceUnusable: ${file}: no key of 'beta', which is named in nbds://IDENTITY@HOST`,
    );
    assert.deepEqual(server.plain, []);
  });

  it('drops a connection that does not answer with a reset, below TLS', async () => {
    const pskCallback = (): Buffer => Buffer.from(key(1), 'hex');
    const broken = Promise.withResolvers<NodeJS.ErrnoException>();
    const secured = (socket: TLSSocket): void => welcomes(socket.on('error', broken.resolve));
    await using server = await TlsServer.listen(startsTls({ ciphers: pskCiphers, pskCallback }, secured));
    const connection = await open(server, alpha);
    await assert.rejects(connection.request({ kind: 'flush' }, 50), OutcomeUnknown);
    const error = await broken.promise;
    assert.equal(error.code, 'ECONNRESET');
  });
});

describe('TLS by certificates', function () {
  this.timeout(20_000);
  let pki: Pki;
  before(function () {
    needsOpenssl(this);
    pki = new Pki();
  });
  after(() => pki?.[Symbol.dispose]());

  const by = (directory: string, hostname = '127.0.0.1'): TlsAccess => {
    return { kind: 'certificates', directory, hostname };
  };
  const withCertificates = (directory: string): OnStartTls => {
    const all = readCertificates(directory, 'server');
    const clients = all.ca !== undefined;
    return startsTls({ ...all, requestCert: clients, rejectUnauthorized: clients });
  };

  it('opens an export for a name or an address in the certificate, with a client certificate or without', async () => {
    await using server = await TlsServer.listen(withCertificates(pki.server()));
    for (const hostname of ['localhost', '127.0.0.1']) {
      await using connection = await open(server, by(pki.client(), hostname));
      assert.equal(connection.info.sizeBytes, 65536);
    }
    server.answer = withCertificates(pki.server({}, { ca: false }));
    await using connection = await open(server, by(pki.client(null)));
    assert.equal(connection.usable, true);
  });

  it('does not take a certificate of another CA, for another name, for another purpose, or revoked', async () => {
    await using server = await TlsServer.listen(withCertificates(pki.server({ ca: 'other' })));
    const unusable = "DeviceUnusable: the server's certificate";
    assert.equal(await failure(server, by(pki.client())), `${unusable} is not of the CA in ca-cert.pem`);
    const other = pki.server({ names: 'DNS:other' });
    server.answer = withCertificates(other);
    assert.equal(await failure(server, by(pki.client())), `${unusable} is for DNS:other, not for 127.0.0.1`);
    const revoking = pki.client();
    pki.revoke(revoking, `${other}/server-cert.pem`);
    assert.equal(await failure(server, by(revoking, 'other')), `${unusable} was revoked`);
    const client = pki.directory('client', { name: 'localhost' }, false);
    const [cert, privateKey] = ['cert', 'key'].map((what) => readFileSync(`${client}/client-${what}.pem`));
    server.answer = startsTls({ cert: cert!, key: privateKey! });
    assert.equal(await failure(server, by(pki.client(), 'localhost')), `${unusable} is for another purpose`);
  });

  it('does not take an expired certificate', async () => {
    const directory = pki.server({ days: -1 });
    const [cert, privateKey] = ['cert', 'key'].map((what) => readFileSync(`${directory}/server-${what}.pem`));
    await using server = await TlsServer.listen(startsTls({ cert: cert!, key: privateKey! }));
    assert.equal(
      await failure(server, by(pki.client())),
      "DeviceUnusable: the server's certificate has expired, or that of its CA has",
    );
  });

  it('tells that the server does not accept this client', async () => {
    await using server = await TlsServer.listen(withCertificates(pki.server()));
    const bare = pki.client(null);
    assert.equal(
      await failure(server, by(bare)),
      `DeviceUnusable: the server does not accept a client without a certificate (${bare} has no client-cert.pem)`,
    );
    const stranger = pki.client({ ca: 'other' });
    assert.equal(
      await failure(server, by(stranger)),
      `RequestFailed: not connected: the server ended the connection during the TLS handshake; ` +
        `it may not accept ${stranger}/client-cert.pem`,
    );
  });

  it('and a pre-shared key do not go together, even when everybody believes the certificate', async () => {
    const file = pki.psk('alpha.psk', { alpha: key(1) });
    const psk: TlsAccess = { kind: 'psk', file, identity: 'alpha' };
    await using server = await TlsServer.listen(withCertificates(pki.server({}, { ca: false })));
    using _ = believedByEverybody(readFileSync(pki.authority('ca'), 'utf8'));
    assert.equal(
      await failure(server, psk),
      'DeviceUnusable: the server shows a certificate, and does not take pre-shared keys',
    );
    server.answer = withKeys({ alpha: key(1) });
    const client = pki.client();
    assert.equal(
      await failure(server, by(client)),
      `DeviceUnusable: the server does not accept ${client}/client-cert.pem, or takes no certificates`,
    );
  });
});
