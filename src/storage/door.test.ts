import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Door } from './door.ts';

describe('the door of the gate', () => {
  let server: Server;
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => void server.close());

  /** Both ends of a connection. */
  async function connection(): Promise<{ client: Socket; socket: Socket }> {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    return { client, socket };
  }

  it('keeps whoever comes early until it is opened, in order, and then lets everybody through', async () => {
    const through: string[] = [];
    const door = new Door();
    for (const peer of ['a', 'b']) door.knock((await connection()).socket, peer);
    assert.equal(through.length, 0);
    door.open((socket, peer) => {
      through.push(peer);
      socket.destroy();
    });
    door.knock((await connection()).socket, 'c');
    assert.deepEqual(through, ['a', 'b', 'c']);
  });

  it('forgets whoever is gone before it is opened, a reset included, which nobody else would hear of', async () => {
    const through: string[] = [];
    const door = new Door();
    const { client, socket } = await connection();
    door.knock(socket, 'a');
    const gone = new Promise((resolve) => socket.once('close', resolve));
    client.resetAndDestroy();
    await gone;
    door.open((_socket, peer) => void through.push(peer));
    assert.deepEqual(through, []);
  });
});
