import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Relay } from './relay.ts';

describe('a link of the process engine', () => {
  let far: Server;
  let relay: Relay;
  let farSockets: Socket[];
  let port: number;

  beforeEach(async () => {
    farSockets = [];
    far = createServer((socket) => {
      socket.on('error', () => {});
      farSockets.push(socket);
      far.emit('arrived', socket);
      socket.on('data', (data) => far.emit('received', data.toString()));
    }).listen(0, '127.0.0.1');
    await once(far, 'listening');
    port = await freePort();
    const to = { host: '127.0.0.1', port: (far.address() as AddressInfo).port, localAddress: '127.0.0.77' };
    relay = await Relay.open({ listen: { host: '127.0.0.1', port }, to });
  });

  afterEach(async () => {
    await relay[Symbol.asyncDispose]();
    for (const socket of farSockets) socket.destroy();
    far.close();
  });

  async function dial(): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  it('carries bytes both ways, and the far side sees the address of the server', async () => {
    const near = await dial();
    near.write('hello');
    const [received] = (await once(far, 'received')) as [string];
    assert.equal(received, 'hello');
    assert.equal(farSockets[0]!.remoteAddress, '127.0.0.77');
    farSockets[0]!.write('and back');
    const [back] = (await once(near, 'data')) as [Buffer];
    assert.equal(back.toString(), 'and back');
    near.destroy();
  });

  it('delivers what was sent during a drop after it is mended, and not before', async () => {
    const near = await dial();
    near.write('before');
    await once(far, 'received');
    relay.set('drop');
    near.write('during');
    // A second link through which the loop provably turned, and would have delivered, while this one dropped.
    const order: string[] = [];
    far.on('received', (data: string) => order.push(data));
    const probe = connect((far.address() as AddressInfo).port, '127.0.0.1', () => probe.write('probe'));
    await once(far, 'received');
    assert.deepEqual(order, ['probe']);
    relay.set('open');
    await once(far, 'received');
    assert.deepEqual(order, ['probe', 'during']);
    near.destroy();
    probe.destroy();
  });

  it('delivers a late write even when its writer has closed the connection meanwhile', async () => {
    const near = await dial();
    near.write('before');
    await once(far, 'received');
    relay.set('drop');
    near.end('late');
    await once(near, 'finish');
    relay.set('open');
    const [received] = (await once(far, 'received')) as [string];
    assert.equal(received, 'late');
  });

  it('is silent to newcomers while it drops, and serves them when mended', async () => {
    relay.set('drop');
    const near = await dial();
    near.write('early bird');
    relay.set('open');
    const [received] = (await once(far, 'received')) as [string];
    assert.equal(received, 'early bird');
    near.destroy();
  });

  it('ends what is open and refuses what is new while it resets', async () => {
    const near = await dial();
    near.write('x');
    await once(far, 'received');
    relay.set('reset');
    const [error] = (await once(near, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    const next = connect(port, '127.0.0.1');
    const [refused] = (await once(next, 'error')) as [NodeJS.ErrnoException];
    assert.equal(refused.code, 'ECONNRESET');
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
