import assert from 'node:assert/strict';
import { NBD_CMD } from '../../wire/nbd/constants.ts';
import { dataChunk, structuredWelcome } from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdConnection } from './connection.ts';
import { says, ScriptedServer, type SeenRequest } from './scripted-server.fixture.ts';

const long = 5000;
const soon = 60;
const sector = new Uint8Array(512).fill(7);

async function connected(server: ScriptedServer): Promise<NbdConnection> {
  return NbdConnection.open({ address: server.address, exportName: 'quorum', deadlineMs: long });
}

const readAt = (offsetBytes: number) => ({ kind: 'read', offsetBytes, lengthBytes: 512 }) as const;
/** Looked at later: a rejection is not unhandled meanwhile. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

describe('an NBD connection with an answer that is late', () => {
  /** A connection with a read in flight that its user gave up while the server answered others. */
  async function withLateRead(server: ScriptedServer): Promise<[NbdConnection, SeenRequest]> {
    const connection = await connected(server);
    const late = later(connection.request(readAt(0), 5 * soon));
    const seen = await server.request();
    const other = connection.request(readAt(512), long);
    (await server.request()).reply(0, sector);
    await other;
    await assert.rejects(late, { name: 'OutcomeUnknown' });
    return [connection, seen];
  }

  it('holds half of an answer for as long as somebody waits for it', async () => {
    await using server = await ScriptedServer.listen({ opening: says(structuredWelcome(65536)) });
    await using connection = await connected(server);
    const half = later(connection.request(readAt(0), 5 * soon));
    const { cookie, socket } = await server.request();
    socket.write(dataChunk(cookie, 0, sector.subarray(256)));
    const other = connection.request(readAt(512), long);
    const seen = await server.request();
    seen.socket.write(dataChunk(seen.cookie, 512, sector, 1));
    await other;
    assert.equal(connection.heldBytes, 1024);
    await assert.rejects(half, { name: 'OutcomeUnknown' });
    assert.equal(connection.heldBytes, 0);
    assert.equal(connection.usable, true);
    socket.write(dataChunk(cookie, 256, sector.subarray(256), 1));
  });

  it('says goodbye with nothing in flight: a late answer is waited for', async () => {
    await using server = await ScriptedServer.listen();
    const [connection, late] = await withLateRead(server);
    const closed = connection.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(server.untaken, 0);
    late.reply(0, sector);
    assert.equal((await server.request()).type, NBD_CMD.DISC);
    await closed;
  });

  it('drops the connection without a goodbye when a late answer does not come', async () => {
    await using server = await ScriptedServer.listen();
    const [connection, late] = await withLateRead(server);
    const gone = new Promise((resolve) => late.socket.on('close', resolve));
    await connection.close();
    await gone;
    assert.equal(server.untaken, 0);
  });
});
