import assert from 'node:assert/strict';
import { NBD_CMD, NBD_CMD_FLAG, NBD_ERROR, NBD_TRANSMISSION } from '../../wire/nbd/constants.ts';
import {
  acknowledgement,
  bytesOf,
  greeting,
  infoBlockSize,
  infoExport,
  structuredRefused,
  welcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdBlockDevice } from './device.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 5000;
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
