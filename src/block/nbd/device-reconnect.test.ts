import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { NBD_CMD, NBD_REP_ERR } from '../../wire/nbd/constants.ts';
import {
  bytesOf,
  greeting,
  optionReply,
  structuredRefused,
  welcome,
} from '../../wire/nbd/server-bytes.fixture.ts';
import { NbdBlockDevice } from './device.ts';
import { says, ScriptedServer } from './scripted-server.fixture.ts';

const long = 5000;
const soon = 60;
const sector = new Uint8Array(512).fill(7);

const opened = (server: ScriptedServer): Promise<NbdBlockDevice> =>
  NbdBlockDevice.open(server.address, 'quorum', long);

function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

describe('an NBD block device that has lost its connection', () => {
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
});
