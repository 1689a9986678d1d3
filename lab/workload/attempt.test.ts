import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { attemptAppend, type AttemptResult } from './attempt.ts';

const agent = new Agent({ keepAlive: true });

/** What one attempt comes to at a server that does this with a connection. */
async function attemptAt(serve: (socket: Socket) => void, timeoutMs = 5000): Promise<AttemptResult> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  try {
    return await attemptAppend(await address(server), 'id', timeoutMs, agent);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function address(server: Server): Promise<{ name: string; host: string; port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { name: 'server-1', host: '127.0.0.1', port: (server.address() as { port: number }).port };
}

const answers = (status: string, body: string) => (socket: Socket) => {
  socket.once('data', () =>
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
  );
};

describe('an attempt', () => {
  after(() => agent.destroy());

  it('is acknowledged with sequence number and epoch', async () => {
    const result = await attemptAt(answers('200 OK', '{"seq":3,"epoch":2,"node":"server-1"}'));
    assert.deepEqual(result, { kind: 'ok', seq: 3, epoch: 2 });
  });

  it('had no effect where the server says so', async () => {
    assert.deepEqual(await attemptAt(answers('503 x', '{}')), { kind: 'no-effect', final: false });
    assert.deepEqual(await attemptAt(answers('507 x', '{}')), { kind: 'no-effect', final: true });
  });

  it('had no effect where nobody listens', async () => {
    const server = createServer();
    const nobody = await address(server);
    server.close();
    await once(server, 'close');
    assert.deepEqual(await attemptAppend(nobody, 'id', 5000, agent), { kind: 'no-effect', final: false });
  });

  it('is unknown where the server does not know itself, or answers nonsense', async () => {
    assert.deepEqual(await attemptAt(answers('504 x', '{}')), { kind: 'unknown' });
    assert.deepEqual(await attemptAt(answers('500 x', '{}')), { kind: 'unknown' });
    assert.deepEqual(await attemptAt(answers('200 OK', 'done')), { kind: 'unknown' });
  });

  it('is unknown when the connection is lost after it was sent', async () => {
    assert.deepEqual(await attemptAt((socket) => socket.once('data', () => socket.destroy())), {
      kind: 'unknown',
    });
  });

  it('is unknown when no answer comes in time', async () => {
    assert.deepEqual(await attemptAt(() => {}, 50), { kind: 'unknown' });
  });

  it('is unknown when the answer breaks off', async () => {
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"seq":3';
    assert.deepEqual(await attemptAt((socket) => socket.once('data', () => socket.end(half))), {
      kind: 'unknown',
    });
  });
});
