import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { NBD_CMD, NBD_CMD_FLAG, NBD_ERROR, NBD_REP_ERR, NBD_TRANSMISSION } from '../../wire/nbd/constants.ts';
import {
  acknowledgement,
  bytesOf,
  greeting,
  infoBlockSize,
  infoExport,
  optionReply,
  structuredRefused,
  welcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdBlockDevice } from './device.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 5000;
const soon = 60;
const sector = new Uint8Array(512).fill(7);
const { HAS_FLAGS, READ_ONLY, SEND_FLUSH } = NBD_TRANSMISSION;

const opened = (server: ScriptedServer): Promise<NbdBlockDevice> =>
  NbdBlockDevice.open(server.address, 'quorum', long);

function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

describe('an NBD block device', () => {
  it('reads, and writes with forced unit access', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    assert.equal(device.durability, 'fua');
    const read = device.read(1024, 512, long);
    const asked = await server.request();
    assert.deepEqual([asked.type, asked.flags, asked.offset, asked.length], [NBD_CMD.READ, 0, 1024, 512]);
    asked.reply(0, sector);
    assert.deepEqual(Buffer.from(await read), Buffer.from(sector));

    const written = device.writeDurably(4096, sector, long);
    const { type, flags, offset, payload, reply } = await server.request();
    assert.deepEqual([type, flags, offset], [NBD_CMD.WRITE, NBD_CMD_FLAG.FUA, 4096]);
    assert.deepEqual(payload, Buffer.from(sector));
    reply();
    await written;
  });

  it('flushes after a write where there is no forced unit access', async () => {
    await using server = await ScriptedServer.listen({
      opening: says(welcome(65536, HAS_FLAGS | SEND_FLUSH)),
    });
    await using device = await opened(server);
    assert.equal(device.durability, 'flush');
    const written = device.writeDurably(4096, sector, long);
    const write = await server.request();
    assert.deepEqual([write.type, write.flags], [NBD_CMD.WRITE, 0]);
    write.reply();
    const flush = await server.request();
    assert.deepEqual([flush.type, flush.flags, flush.offset, flush.length], [NBD_CMD.FLUSH, 0, 0, 0]);
    flush.reply();
    await written;

    const doubtful = later(device.writeDurably(4096, sector, long));
    (await server.request()).reply();
    (await server.request()).reply(5);
    await assert.rejects(doubtful, {
      name: 'OutcomeUnknown',
      message: `${device.name}: write of 512 bytes at 4096 was answered, but not the flush after it`,
    });
  });

  it('does not flush on a connection that is being left meanwhile', async () => {
    await using server = await ScriptedServer.listen({
      opening: says(welcome(65536, HAS_FLAGS | SEND_FLUSH)),
    });
    await using device = await opened(server);
    const [first, second] = [0, 512].map((offset) => later(device.writeDurably(offset, sector, long)));
    const [one, two] = [await server.request(), await server.request()];
    one.socket.cork();
    one.reply();
    two.reply(NBD_ERROR.ESHUTDOWN);
    one.socket.uncork();
    await assert.rejects(second!, { code: 'ESHUTDOWN' });
    await assert.rejects(first!, (error: Error) => {
      assert.equal(error.name, 'OutcomeUnknown');
      assert.equal(
        (error.cause as Error).message,
        `${device.name}: flush was not sent: the connection was lost`,
      );
      return true;
    });
  });

  it('sends nothing whose deadline has passed', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    await assert.rejects(device.writeDurably(0, sector, 0), {
      name: 'RequestFailed',
      code: 'ETIMEDOUT',
      effect: 'none',
      message: `${device.name}: write of 512 bytes at 0 was not sent: its deadline passed`,
    });
    const read = device.read(0, 512, long);
    const first = await server.request();
    assert.equal(first.type, NBD_CMD.READ);
    first.reply(0, sector);
    await read;
  });

  it('writes nothing where nothing makes it durable, or to a read-only export', async () => {
    await using server = await ScriptedServer.listen({ opening: says(welcome(65536, HAS_FLAGS)) });
    await using device = await opened(server);
    await assert.rejects(device.writeDurably(0, sector, long), {
      name: 'RequestFailed',
      code: 'ENOTSUP',
      effect: 'none',
      message: `${device.name}: write of 512 bytes at 0 was not sent: the export offers neither forced unit access nor flush`,
    });
    server.opening = says(welcome(65536, HAS_FLAGS | SEND_FLUSH | READ_ONLY));
    await using readOnly = await opened(server);
    assert.deepEqual([device.readOnly, readOnly.readOnly], [false, true]);
    await assert.rejects(readOnly.writeDurably(0, sector, long), {
      code: 'EPERM',
      message: `${readOnly.name}: write of 512 bytes at 0 was not sent: the export is read-only`,
    });
    assert.equal(server.untaken, 0);
  });

  it('abides by the block sizes it asked for', async () => {
    await using server = await ScriptedServer.listen({
      opening: says(
        greeting(),
        structuredRefused,
        infoExport(1 << 20),
        infoBlockSize(4096, 4096, 8192),
        acknowledgement,
      ),
    });
    await using device = await opened(server);
    assert.deepEqual([device.sectorBytes, device.sizeBytes], [4096, 1 << 20]);
    // prettier-ignore
    const refused: readonly [offset: number, length: number, why: string][] = [
      [ 512,       4096,  'offset and length must be multiples of 4096' ],
      [ 4096,      512,   'offset and length must be multiples of 4096' ],
      [ 0,         12288, 'one request has at most 8192 bytes' ],
      [ 1 << 20,   4096,  'the device has 1048576 bytes' ],
      [ -4096,     4096,  'an offset is a whole number from 0 up' ],
      [ 0,         0,     'a length is a whole number from 1 up' ],
    ];
    for (const [offset, length, why] of refused) {
      const message = `${device.name}: read of ${length} bytes at ${offset} was not sent: ${why}`;
      await assert.rejects(device.read(offset, length, long), {
        name: 'RequestFailed',
        code: 'EINVAL',
        effect: 'none',
        message,
      });
      if (length > 0) {
        await assert.rejects(device.writeDurably(offset, new Uint8Array(length), long), { code: 'EINVAL' });
      }
    }
    assert.equal(server.untaken, 0);
  });

  it('has sectors of 512 bytes where the server would take single bytes', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    assert.equal(device.sectorBytes, 512);
    const read = device.read(3, 5, long);
    (await server.request()).reply(0, bytesOf('hello'));
    assert.equal(Buffer.from(await read).toString(), 'hello');
  });

  it('issues a write once, whatever becomes of it, and takes a new connection for the next request', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.writeDurably(4096, sector, long));
    const seen = await server.request();
    seen.socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    const read = device.read(0, 512, long);
    const next = await server.request();
    assert.deepEqual([next.type, next.connection], [NBD_CMD.READ, 1]);
    next.reply(0, sector);
    await read;
    assert.equal(server.untaken, 0);
  });

  it('takes a new connection after a request that the server let pass in silence', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    await assert.rejects(device.writeDurably(4096, sector, soon), { name: 'OutcomeUnknown' });
    const written = device.writeDurably(4096, sector, long);
    const [first, second] = [await server.request(), await server.request()];
    assert.deepEqual([first.connection, second.connection], [0, 1]);
    second.reply();
    await written;
  });

  it('connects once for all requests that wait for a connection', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.read(0, 512, long));
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    const reads = [0, 512, 1024].map((offset) => device.read(offset, 512, long));
    for (let count = 0; count < 3; count += 1) (await server.request()).reply(0, sector);
    await Promise.all(reads);
    assert.equal(server.connections.length, 2);
  });

  it('has not sent a write, so it failed, when there was no connection to be had', async () => {
    const server = await ScriptedServer.listen();
    await using device = await opened(server);
    await server[Symbol.asyncDispose]();
    const attempt = async (): Promise<unknown> =>
      device.writeDurably(4096, sector, long).then(
        () => assert.fail('written'),
        (error: unknown) => error,
      );
    let error = (await attempt()) as Error & { code?: string; effect?: string };
    // The end of the first connection may not have been noticed yet by the first of them.
    if (error.name === 'OutcomeUnknown')
      error = (await attempt()) as Error & { code?: string; effect?: string };
    assert.deepEqual([error.name, error.code, error.effect], ['RequestFailed', 'ENOTCONN', 'none']);
    assert.match(
      error.message,
      /: not connected: connect ECONNREFUSED .*; write of 512 bytes at 4096 was not sent$/,
    );
  });

  it('connects within the deadline of the request that needs it, and never sends it afterwards', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.read(0, 512, long));
    server.opening = says();
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    const first = later(device.writeDurably(0, sector, soon));
    const second = later(device.writeDurably(512, sector, soon));
    await assert.rejects(first, {
      name: 'RequestFailed',
      code: 'ENOTCONN',
      effect: 'none',
      message: /: not connected: no NBD negotiation within \d+ ms; write of 512 bytes at 0 was not sent$/,
    });
    await assert.rejects(second, { name: 'RequestFailed', code: 'ENOTCONN' });
    server.opening = says(welcome(65536));
    const read = device.read(0, 512, long);
    const next = await server.request();
    assert.deepEqual([next.type, next.offset], [NBD_CMD.READ, 0]);
    next.reply(0, sector);
    await read;
    assert.equal(server.untaken, 0);
  });

  it('makes an attempt of its own when the one it waited for ended with an earlier deadline', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.read(0, 512, long));
    server.opening = () => {
      server.opening = says(welcome(65536));
    };
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    const hasty = later(device.read(0, 512, soon));
    const patient = device.read(512, 512, long);
    await assert.rejects(hasty, { code: 'ENOTCONN' });
    const next = await server.request();
    assert.deepEqual([next.connection, next.offset], [2, 512]);
    next.reply(0, sector);
    await patient;
  });

  it('waits for an attempt no longer than its own deadline', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.read(0, 512, long));
    server.opening = says();
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    const order: string[] = [];
    const patient = later(device.read(0, 512, 4 * soon)).catch(() => order.push('patient'));
    const hasty = later(device.read(512, 512, soon)).catch((error: Error) => order.push(error.message));
    await Promise.all([patient, hasty]);
    assert.deepEqual(order, [
      `${device.name}: not connected: its deadline passed; read of 512 bytes at 512 was not sent`,
      'patient',
    ]);
  });

  it('says so when a new connection is refused', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.read(0, 512, long));
    const text = 'quorum refused: last granted epoch 9';
    server.opening = says(greeting(), structuredRefused, optionReply(NBD_REP_ERR.POLICY, bytesOf(text)));
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    await assert.rejects(device.read(0, 512, long), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'ENOTCONN');
      assert.match(error.message, /NBD_REP_ERR_POLICY: quorum refused: last granted epoch 9; read of 512/);
      assert.equal((error.cause as { grantedEpoch?: number }).grantedEpoch, 9);
      return true;
    });
  });

  it('sees that the export has shrunk when it connects again', async () => {
    await using server = await ScriptedServer.listen();
    await using device = await opened(server);
    const lost = later(device.read(0, 512, long));
    server.opening = says(welcome(512));
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    await assert.rejects(device.read(512, 512, long), {
      code: 'EINVAL',
      message: /: the device has 512 bytes$/,
    });
    assert.equal(device.sizeBytes, 512);
  });

  it('does not send what waited for a connection while it was closed', async () => {
    await using server = await ScriptedServer.listen();
    const device = await opened(server);
    const lost = later(device.read(0, 512, long));
    let connecting: Socket | undefined;
    const connected = new Promise<void>((resolve) => {
      server.opening = (socket) => {
        connecting = socket;
        resolve();
      };
    });
    (await server.request()).socket.resetAndDestroy();
    await assert.rejects(lost, { name: 'OutcomeUnknown' });
    const write = later(device.writeDurably(0, sector, long));
    await connected;
    const closed = device[Symbol.asyncDispose]();
    const turn = new Promise((resolve) => setImmediate(resolve, 'still connecting'));
    assert.equal(await Promise.race([closed, turn]), 'still connecting');
    connecting!.write(welcome(65536));
    await closed;
    await assert.rejects(write, { code: 'ENOTCONN', message: /the device was closed; write of 512/ });
    assert.equal((await server.request()).type, NBD_CMD.DISC);
  });

  it('is closed for good, and says goodbye to the server', async () => {
    await using server = await ScriptedServer.listen();
    const device = await opened(server);
    const closed = device[Symbol.asyncDispose]();
    assert.equal((await server.request()).type, NBD_CMD.DISC);
    await closed;
    await assert.rejects(device.read(0, 512, long), {
      code: 'ENOTCONN',
      message: `${device.name}: not connected: the device was closed; read of 512 bytes at 0 was not sent`,
    });
    assert.equal(server.connections.length, 1);
  });
});
