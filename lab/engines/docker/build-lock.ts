import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Lets one lab at a time make images; the others wait and then find them made. The lock is a Unix socket in Linux'
 * abstract name space: the kernel gives it up together with its owner, so there is no stale lock to break.
 */
export async function withBuildLock<T>(
  say: (text: string) => void,
  work: () => Promise<T>,
  name = 'arbiter-lab-images',
): Promise<T> {
  if (process.platform !== 'linux') return work();
  const release = await acquire(`\0${name}`, say);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(path: string, say: (text: string) => void): Promise<() => Promise<void>> {
  let said = false;
  for (;;) {
    const waiting = new Set<Socket>();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => {}).on('close', () => waiting.delete(socket));
    });
    if (await listens(server, path)) return () => close(server, waiting);
    if (!said) say('another lab is making images; waiting for it');
    said = true;
    await ownersEnd(path);
  }
}

async function listens(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path);
    await once(server, 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Resolves when the owner closes the connection, or is not there any more to take it. */
function ownersEnd(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
}

async function close(server: Server, waiting: Set<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of waiting) socket.destroy();
  await closed;
}
