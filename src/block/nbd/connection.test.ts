import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NBD_CMD, NBD_ERROR } from '../../wire/nbd/constants.ts';
import {
  errorAtChunk,
  errorChunk,
  simpleReply,
  structuredWelcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdConnection } from './connection.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 5000;
const soon = 60;
const sector = new Uint8Array(512).fill(7);

async function connected(server: ScriptedServer): Promise<NbdConnection> {
  return NbdConnection.open({ address: server.address, exportName: 'quorum', deadlineMs: long });
}

const readAt = (offsetBytes: number) => ({ kind: 'read', offsetBytes, lengthBytes: 512 }) as const;
const write = { kind: 'write', offsetBytes: 4096, bytes: sector, fua: true } as const;
/** Looked at later: a rejection is not unhandled meanwhile. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

describe('an NBD connection', () => {
  it('has any number of requests in flight, answered in any order', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const reads = Array.from({ length: 100 }, (_, index) => connection.request(readAt(index * 512), long));
    const seen = [];
    for (let count = 0; count < reads.length; count += 1) seen.push(await server.request());
    for (const request of seen.reverse())
      request.reply(
        0,
        sector.map(() => (request.offset / 512) % 256),
      );
    const answers = await Promise.all(reads);
    assert.deepEqual(
      answers.map((bytes) => bytes[511]),
      answers.map((_, index) => index),
    );
  });

  it('lets one request fail and no other one', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const [first, second, third] = [readAt(0), write, readAt(512)].map((it) =>
      later(connection.request(it, long)),
    );
    const [one, two, three] = [await server.request(), await server.request(), await server.request()];
    two.reply(NBD_ERROR.EIO);
    three.reply(0, sector);
    one.reply(0, sector);
    await assert.rejects(second!, {
      name: 'RequestFailed',
      code: 'EIO',
      effect: 'possible',
      message: `${connection.target.name}: write of 512 bytes at 4096 failed with NBD error 5 (EIO)`,
    });
    assert.equal((await first!).length, 512);
    assert.equal((await third!).length, 512);
    assert.equal(connection.usable, true);
  });

  it('counts an error nobody knows as EINVAL and shows its number', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const read = later(connection.request(readAt(0), long));
    (await server.request()).reply(77);
    await assert.rejects(read, { code: 'EINVAL', message: /failed with NBD error 77 \(EINVAL\)$/ });
  });

  it('says where and why a request failed when the server says so, in 500 characters', async () => {
    await using server = await ScriptedServer.listen({ opening: says(structuredWelcome(65536)) });
    await using connection = await connected(server);
    const read = later(connection.request(readAt(1024), long));
    const { cookie, socket } = await server.request();
    socket.write(errorAtChunk(cookie, NBD_ERROR.EIO, 1100, `media\n${'x'.repeat(1000)}`, 1));
    await assert.rejects(read, {
      code: 'EIO',
      message: `${connection.target.name}: read of 512 bytes at 1024 failed with NBD error 5 (EIO) at offset 1100: media ${'x'.repeat(494)}...`,
    });
    assert.equal(connection.usable, true);
  });

  it('leaves when any part of a reply says that the server shuts down', async () => {
    await using server = await ScriptedServer.listen({ opening: says(structuredWelcome(65536)) });
    await using connection = await connected(server);
    const read = later(connection.request(readAt(0), long));
    const { cookie, socket } = await server.request();
    socket.write(errorChunk(cookie, NBD_ERROR.EIO));
    socket.write(errorChunk(cookie, NBD_ERROR.ESHUTDOWN, 'bye', 1));
    await assert.rejects(read, { code: 'ESHUTDOWN', message: /\(ESHUTDOWN\): bye$/ });
    assert.equal(connection.usable, false);
    assert.equal((await server.request()).type, NBD_CMD.DISC);
  });

  it('does not know the outcome past the deadline, and leaves a server that said nothing since', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const closed = new Promise((resolve) => connection.onClosed(resolve));
    await assert.rejects(connection.request(write, soon), {
      name: 'OutcomeUnknown',
      message: `${connection.target.name}: write of 512 bytes at 4096 was not answered within 60 ms`,
    });
    assert.equal(connection.usable, false);
    assert.equal(await closed, 'the server does not answer');
  });

  it('keeps the connection while the server answers others, and throws a late answer away with its payload', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const first = later(connection.request(readAt(0), 5 * soon));
    const late = await server.request();
    const second = connection.request(readAt(512), long);
    (await server.request()).reply(0, sector);
    await second;
    await assert.rejects(first, { name: 'OutcomeUnknown' });
    assert.equal(connection.usable, true);
    const third = connection.request(readAt(1024), long);
    late.reply(0, new Uint8Array(512).fill(0xff));
    (await server.request()).reply(0, sector);
    assert.deepEqual(Buffer.from(await third), Buffer.from(sector));
    assert.equal(connection.usable, true);
  });

  it('leaves a server that answers some requests and more than 1024 others never', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const ends = (count: number): Promise<unknown> =>
      Promise.allSettled(Array.from({ length: count }, () => connection.request(readAt(0), 10 * soon)));
    const answered = async (): Promise<void> => {
      const read = connection.request(readAt(512), long);
      let request = await server.request();
      while (request.offset !== 512) request = await server.request();
      request.reply(0, sector);
      await read;
    };
    const many = ends(1024);
    await answered();
    await many;
    assert.equal(connection.usable, true);
    const more = ends(1);
    await answered();
    await more;
    assert.equal(connection.usable, false);
  });

  it('does not take requests in flight for late ones, however many', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const reads = Array.from({ length: 1100 }, () => connection.request(readAt(0), long));
    const seen = [];
    for (let count = 0; count < reads.length; count += 1) seen.push(await server.request());
    const late = later(connection.request(readAt(0), 5 * soon));
    seen.pop()!.reply(0, sector);
    await assert.rejects(late, { name: 'OutcomeUnknown' });
    assert.equal(connection.usable, true);
    for (const request of seen) request.reply(0, sector);
    await Promise.all(reads);
  });

  it('lets the requests in flight finish when it is left for silence', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const first = later(connection.request(write, soon));
    const second = connection.request(readAt(0), long);
    await server.request();
    const slow = await server.request();
    await assert.rejects(first, { name: 'OutcomeUnknown' });
    assert.equal(connection.usable, false);
    const closed = new Promise((resolve) => connection.onClosed(resolve));
    slow.reply(0, sector);
    assert.equal((await second).length, 512);
    assert.equal(await closed, 'the server does not answer');
  });

  it('does not know the outcome of anything in flight when the connection breaks', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const requests = [later(connection.request(write, long)), later(connection.request(readAt(0), long))];
    const closed = new Promise((resolve) => connection.onClosed(resolve));
    (await server.request()).socket.resetAndDestroy();
    for (const request of requests) {
      await assert.rejects(request, {
        name: 'OutcomeUnknown',
        message: /was not answered: connection lost: read ECONNRESET$/,
      });
    }
    assert.equal(await closed, 'read ECONNRESET');
  });

  it('does not know the outcome of anything in flight when the stream makes no sense', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const requests = [later(connection.request(write, long)), later(connection.request(readAt(0), long))];
    const { socket } = await server.request();
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.write(simpleReply(0xbadn));
    for (const request of requests) {
      await assert.rejects(request, {
        name: 'OutcomeUnknown',
        message: /connection lost: a reply with cookie 0xbad, which no open request has$/,
      });
    }
    await ended;
  });

  it('notices that the server ended it while nothing was asked, once, also when asked afterwards', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const reasons: string[] = [];
    const closed = new Promise<void>((resolve) => {
      connection.onClosed((reason) => {
        reasons.push(reason);
        resolve();
      });
    });
    const gone = new Promise((resolve) => server.connections[0]!.on('close', resolve));
    server.connections[0]!.end();
    await closed;
    await new Promise<void>((resolve) => connection.onClosed(() => resolve()));
    await gone; // The socket's own end is not to be told again.
    await connection.close();
    assert.deepEqual(reasons, ['closed by the server']);
    assert.equal(connection.usable, false);
  });

  it('leaves a server that shuts down: politely, and after the requests in flight', async () => {
    await using server = await ScriptedServer.listen();
    await using connection = await connected(server);
    const [first, second] = [later(connection.request(write, long)), connection.request(readAt(0), long)];
    const [one, two] = [await server.request(), await server.request()];
    one.reply(NBD_ERROR.ESHUTDOWN);
    await assert.rejects(first, { name: 'RequestFailed', code: 'ESHUTDOWN', effect: 'possible' });
    assert.equal(connection.usable, false);
    assert.throws(
      () => connection.request(write, long),
      /invariant: a request on a connection that is being left/,
    );
    two.reply(0, sector);
    assert.equal((await second).length, 512);
    assert.equal((await server.request()).type, NBD_CMD.DISC);
  });

  it('says goodbye when it is closed, and does not call that a loss', async () => {
    await using server = await ScriptedServer.listen();
    const connection = await connected(server);
    connection.onClosed((reason) => assert.fail(reason));
    const read = connection.request(readAt(0), long);
    const closed = connection.close();
    (await server.request()).reply(0, sector);
    assert.equal((await read).length, 512);
    assert.equal((await server.request()).type, NBD_CMD.DISC);
    await closed;
    await connection.close();
  });

  it('works over a Unix socket as well', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nbd-connection-'));
    try {
      await using server = await ScriptedServer.listen({ socketPath: join(directory, 's') });
      await using connection = await connected(server);
      const read = connection.request(readAt(0), long);
      (await server.request()).reply(0, sector);
      assert.equal((await read).length, 512);
      await assert.rejects(connection.request(write, soon), { name: 'OutcomeUnknown' });
      assert.equal(connection.usable, false);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
