import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ScriptedServer } from '../../src/block/nbd/scripted-server.fixture.ts';
import { NBD_CMD } from '../../src/wire/nbd/constants.ts';
import { NbdDisk } from './nbd-disk.ts';

const connected = async (server: ScriptedServer): Promise<NbdDisk> => {
  assert.ok('port' in server.address);
  return NbdDisk.connect(`nbd://127.0.0.1:${server.address.port}/data`, 5000);
};

describe("the workload's disk, closed", () => {
  it('takes its leave of the server when nothing is in flight', async () => {
    await using server = await ScriptedServer.listen();
    const disk = await connected(server);
    const written = disk.writeFua(0, new Uint8Array(512));
    (await server.request()).reply();
    await written;
    disk.close();
    assert.equal((await server.request()).type, NBD_CMD.DISC);
    assert.equal(await disk.lost, 'closed');
  });

  it('ends the connection without a word while a request is in flight, whose outcome is unknown then', async () => {
    await using server = await ScriptedServer.listen();
    const disk = await connected(server);
    const written = assert.rejects(disk.writeFua(0, new Uint8Array(512)), {
      name: 'ConnectionLost',
      message: /outcome of the write of 512 bytes at 0 unknown: closed$/,
    });
    const { socket } = await server.request();
    const ended = once(socket, 'close');
    disk.close();
    await written;
    await ended;
    assert.equal(server.untaken, 0);
  });
});
