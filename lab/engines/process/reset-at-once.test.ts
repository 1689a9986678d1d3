import assert from 'node:assert/strict';
import { execa } from 'execa';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { resetAtOnce } from './reset-at-once.ts';

describe('a reset at once', () => {
  it('is what the other end meets, whatever was still to be written', async () => {
    const server = createServer((socket) => void socket.pause()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const socket = connect({ port, host: '127.0.0.1' });
    const [[far]] = await Promise.all([accepted, once(socket, 'connect')]);
    socket.write(new Uint8Array(8 << 20));
    resetAtOnce(socket);
    server.close();
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => far.once('error', resolve));
    far.resume();
    assert.equal((await failed).code, 'ECONNRESET');
  });

  it('lets the process end, even of a connection that is shutting down', async () => {
    const script = `
      import { connect, createServer } from 'node:net';
      import { resetAtOnce } from ${JSON.stringify(fileURLToPath(new URL('reset-at-once.ts', import.meta.url)))};
      const server = createServer((socket) => socket.on('error', () => {}).on('close', () => server.close()));
      server.listen(0, '127.0.0.1', () => {
        const socket = connect({ port: server.address().port, host: '127.0.0.1' }, () => {
          socket.end();
          process.nextTick(() => resetAtOnce(socket));
        });
      });`;
    const argv = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
    const { exitCode, timedOut } = await execa(process.execPath, argv, { reject: false, timeout: 10_000 });
    assert.deepEqual([exitCode, timedOut], [0, false]);
  }).timeout(20_000);
});
