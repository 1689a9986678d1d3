import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import { connect, type ListenOptions, type Server } from 'node:net';

/**
 * Resolves once the server listens. A socket file outlives the process that made it: one that nobody answers at is
 * replaced. Rejects with the system's error; its `code` is EADDRINUSE where somebody answers, and ENOTSOCK where
 * something else has the path, which is left alone.
 *
 * Two processes that replace one socket at the same instant may both come to listen, and the last one is reached: what
 * must not run twice needs a lock (flock.ts), not an address.
 */
export async function listening(server: Server, options: ListenOptions): Promise<void> {
  try {
    return await begin(server, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || options.path === undefined) throw error;
    if (!(await isSocket(options.path))) throw notASocket(options.path);
    if (await isAnswered(options.path)) throw error;
    await rm(options.path, { force: true });
  }
  await begin(server, options);
}

async function begin(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options);
  await once(server, 'listening');
}

/** True as well for one that is gone meanwhile: then nothing is in the way. */
async function isSocket(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found === undefined || found.isSocket();
}

async function isAnswered(path: string): Promise<boolean> {
  const probe = connect({ path });
  try {
    await once(probe, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    probe.destroy();
  }
}

function notASocket(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path} is not a socket`), { code: 'ENOTSOCK' });
}
