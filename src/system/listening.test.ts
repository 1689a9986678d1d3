import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { listening } from './listening.ts';

describe('listening at a path', () => {
  let directory: string;
  let path: string;
  const servers: Server[] = [];
  const server = (): Server => {
    servers.push(createServer((socket) => socket.destroy()));
    return servers.at(-1)!;
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'arbiter-system-'));
    path = join(directory, 'socket');
  });
  afterEach(() => {
    for (const each of servers.splice(0)) each.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('replaces the socket of a process that was killed', async () => {
    const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`;
    const former = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(former.stdout, 'data');
    const exited = once(former, 'exit');
    former.kill('SIGKILL');
    await exited;
    await listening(server(), { path });
    await once(connect({ path }), 'connect');
  });

  it('leaves a socket alone that somebody answers at', async () => {
    const first = server();
    await listening(first, { path });
    await assert.rejects(listening(server(), { path }), { code: 'EADDRINUSE' });
    await Promise.all([once(first, 'connection'), once(connect({ path }), 'connect')]);
  });

  it('leaves anything else alone', async () => {
    writeFileSync(path, '');
    await assert.rejects(listening(server(), { path }), {
      code: 'ENOTSOCK',
      message: `${path} is not a socket`,
    });
  });
});
