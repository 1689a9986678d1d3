import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { DeviceUnusable, RequestFailed } from '../../ports/block-device.ts';
import { NBD_OPT, NBD_REP_ERR } from '../../wire/nbd/constants.ts';
import {
  bytesOf,
  exportReply,
  greeting,
  optionReply,
  simpleReply,
  structuredAgreed,
  structuredRefused,
  structuredWelcome,
  welcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { formatNbdUri } from '../uri-nbd.ts';
import { NbdConnection } from './connection.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 5000;

/** How opening `quorum` of this server ends; `#` stands for the URI. */
async function refusalOf(server: ScriptedServer, deadlineMs = long): Promise<Error> {
  const { address } = server;
  const uri = formatNbdUri(address, 'quorum');
  const error: unknown = await NbdConnection.open({ address, exportName: 'quorum', deadlineMs }).then(
    () => assert.fail('it was opened'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof Error);
  error.message = error.message.replace(uri, '#');
  return error;
}

describe('negotiating with an NBD server', () => {
  it('gives what the export is', async () => {
    await using server = await ScriptedServer.listen();
    const { address } = server;
    await using connection = await NbdConnection.open({ address, exportName: 'quorum', deadlineMs: long });
    assert.equal(connection.info.sizeBytes, 65536);
    assert.equal(connection.target.name, formatNbdUri(address, 'quorum'));
    assert.equal(connection.usable, true);
  });

  it('ends with the epoch that a gate granted last, when the gate refused', async () => {
    const text = 'data@a.3.0011aabb refused: last granted epoch 7';
    await using server = await ScriptedServer.listen({
      opening: says(greeting(), structuredRefused, optionReply(NBD_REP_ERR.POLICY, bytesOf(text))),
    });
    const error = await refusalOf(server);
    assert.ok(error instanceof DeviceUnusable);
    assert.equal(error.grantedEpoch, 7);
    assert.equal(error.message, `#: the server refused the export with NBD_REP_ERR_POLICY: ${text}`);
  });

  // prettier-ignore
  const refusals: readonly [what: string, type: number, text: string][] = [
    [ 'no such export',         NBD_REP_ERR.UNKNOWN,   'NBD_REP_ERR_UNKNOWN: it has no export of this name' ],
    [ 'a policy',               NBD_REP_ERR.POLICY,    'NBD_REP_ERR_POLICY' ],
    [ 'TLS only',               NBD_REP_ERR.TLS_REQD,  'NBD_REP_ERR_TLS_REQD: it wants TLS, as nbds://' ],
  ];
  for (const [what, type, text] of refusals) {
    it(`explains a refusal without words: ${what}`, async () => {
      await using server = await ScriptedServer.listen({
        opening: says(greeting(), structuredRefused, optionReply(type)),
      });
      const error = await refusalOf(server);
      assert.ok(error instanceof DeviceUnusable);
      assert.equal(error.grantedEpoch, undefined);
      assert.equal(error.message, `#: the server refused the export with ${text}`);
    });
  }

  it('has not found a server where it is going down: it may be back', async () => {
    await using server = await ScriptedServer.listen({
      opening: says(
        greeting(),
        optionReply(NBD_REP_ERR.SHUTDOWN, bytesOf('later'), NBD_OPT.STRUCTURED_REPLY),
      ),
    });
    const error = await refusalOf(server);
    assert.ok(error instanceof RequestFailed && error.code === 'ENOTCONN');
    assert.equal(
      error.message,
      '#: not connected: the server refused the export with NBD_REP_ERR_SHUTDOWN: later',
    );
  });

  it('shows 500 characters of what a server says, and takes the epoch off its end all the same', async () => {
    const text = `${'x'.repeat(4000)} refused: last granted epoch 7`;
    await using server = await ScriptedServer.listen({
      opening: says(greeting(), structuredAgreed, optionReply(NBD_REP_ERR.POLICY, bytesOf(text))),
    });
    const error = await refusalOf(server);
    assert.ok(error instanceof DeviceUnusable);
    assert.equal(error.grantedEpoch, 7);
    assert.equal(
      error.message,
      `#: the server refused the export with NBD_REP_ERR_POLICY: ${'x'.repeat(500)}...`,
    );
  });

  it('tells whether reads come in chunks', async () => {
    for (const [opening, structured] of [
      [welcome(512), false],
      [structuredWelcome(512), true],
    ] as const) {
      await using server = await ScriptedServer.listen({ opening: says(opening) });
      const { address } = server;
      await using connection = await NbdConnection.open({ address, exportName: 'quorum', deadlineMs: long });
      assert.equal(connection.structuredReplies, structured);
    }
  });

  it('comes to an export of a server without NBD_OPT_GO, and says so when that server can but close', async () => {
    const before = [greeting(), structuredRefused, optionReply(NBD_REP_ERR.UNSUP)];
    await using server = await ScriptedServer.listen({ opening: says(...before, exportReply(1024, 0)) });
    const { address } = server;
    await using connection = await NbdConnection.open({ address, exportName: 'quorum', deadlineMs: long });
    assert.deepEqual([connection.info.sizeBytes, connection.info.blockSizes.minimumBytes], [1024, 512]);
    server.opening = (socket) => {
      says(...before)(socket);
      socket.end();
    };
    const error = await refusalOf(server);
    assert.ok(error instanceof RequestFailed && error.code === 'ENOTCONN');
    assert.equal(
      error.message,
      '#: not connected: the server knows no NBD_OPT_GO, and closed the connection when asked for the export: it may not have it',
    );
  });

  it('takes its leave with NBD_OPT_ABORT after a refusal', async () => {
    await using server = await ScriptedServer.listen({
      opening: says(greeting(), structuredRefused, optionReply(NBD_REP_ERR.UNKNOWN)),
    });
    const chunks: Buffer[] = [];
    const opening = server.opening;
    let ended!: Promise<unknown>;
    server.opening = (socket) => {
      ended = once(
        socket.on('data', (chunk) => chunks.push(chunk)),
        'close',
      );
      opening(socket);
    };
    await refusalOf(server);
    await ended;
    assert.deepEqual(Buffer.concat(chunks).subarray(-16), bytesOf('IHAVEOPT', [32, 2], [32, 0]));
  });

  it('names what is no NBD server', async () => {
    await using server = await ScriptedServer.listen({ opening: says(bytesOf('SSH-2.0-OpenSSH_9.2p1\r\n')) });
    const error = await refusalOf(server);
    assert.ok(error instanceof DeviceUnusable);
    assert.equal(error.message, '#: not an NBD server: its greeting begins with "SSH-2.0-"');
  });

  it('ends when the server answers what was not asked', async () => {
    await using server = await ScriptedServer.listen({
      opening: (socket) => socket.write(bytesOf(welcome(65536), simpleReply(1n))),
    });
    const error = await refusalOf(server);
    assert.ok(error instanceof DeviceUnusable);
    assert.equal(error.message, '#: a reply with cookie 0x1, which no open request has');
  });

  it('was no answer when the connection broke meanwhile, or nobody listens, or the deadline passed', async () => {
    await using server = await ScriptedServer.listen();
    const texts = [];
    const openings = [
      says(),
      (socket: Socket): void => void socket.end(greeting()),
      (socket: Socket): void => void socket.once('data', () => socket.resetAndDestroy()).write(greeting()),
    ];
    for (const opening of openings) {
      server.opening = opening;
      const error = await refusalOf(server, 300);
      assert.ok(error instanceof RequestFailed && error.code === 'ENOTCONN', String(error));
      texts.push(error.message);
    }
    await server[Symbol.asyncDispose]();
    texts.push((await refusalOf(server)).message.replace(/[0-9.]+:[0-9]+/, 'HOST:PORT'));
    assert.deepEqual(texts, [
      '#: not connected: no NBD negotiation within 300 ms',
      '#: not connected: the server closed the connection while negotiating',
      '#: not connected: connection lost while negotiating: read ECONNRESET',
      '#: not connected: connect ECONNREFUSED HOST:PORT',
    ]);
  });

  it('leaves no socket behind when the deadline passes', async () => {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const { address: host, port } = server.address() as AddressInfo;
    const opened = NbdConnection.open({ address: { host, port }, exportName: '', deadlineMs: 100 });
    const [socket] = (await accepted) as [Socket];
    const ended = new Promise((resolve) => socket.resume().on('close', resolve));
    await assert.rejects(opened, { name: 'RequestFailed' });
    await ended;
    server.close();
  });
});
