import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { reset } from './reset.ts';

describe('the end of a connection that nobody waits for', () => {
  let server: Server;
  let theirs: Promise<Socket>;
  let socket: Socket;

  beforeEach(async () => {
    const accepted = Promise.withResolvers<Socket>();
    theirs = accepted.promise;
    server = createServer({ allowHalfOpen: true }, accepted.resolve);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    socket = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
    await once(socket, 'connect');
  });

  afterEach(async () => {
    (await theirs).destroy();
    server.close();
  });

  it('is a reset for the other side', async () => {
    const failed = once(await theirs, 'error') as Promise<[NodeJS.ErrnoException]>;
    reset(socket);
    assert.equal((await failed)[0].code, 'ECONNRESET');
  });

  it('closes the handle of one that is being shut down, too', async () => {
    socket.end('the last word');
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(5000) });
    reset(socket);
    await closed;
  });
});
