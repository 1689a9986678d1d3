import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import { connect, type ListenOptions, type Server } from 'node:net';

/** The endpoint cannot be opened. One line, for people. */
export class AddressUnusable extends Error {
  override readonly name = 'AddressUnusable';
}

/**
 * Listens on `unix:/path` or `tcp://127.0.0.1:port`. A socket file that nobody listens on any more is replaced; one that
 * is in use, a path that is no socket and an address that is taken are AddressUnusable.
 */
export async function listen(server: Server, address: string): Promise<void> {
  const options = listenOptions(address);
  try {
    await listening(server, options);
  } catch (error) {
    if (options.path === undefined || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw unusable(address, error as NodeJS.ErrnoException);
    }
    await removeStale(options.path, address);
    await listening(server, options).catch((again: NodeJS.ErrnoException) => {
      throw unusable(address, again);
    });
  }
}

function listenOptions(address: string): ListenOptions {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const { hostname, port } = new URL(address);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

async function listening(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options);
  await once(server, 'listening');
}

async function removeStale(path: string, address: string): Promise<void> {
  if (!(await lstat(path)).isSocket()) throw new AddressUnusable(`${address}: ${path} is not a socket`);
  const socket = connect({ path });
  const isLive = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (isLive) throw new AddressUnusable(`${address}: another process answers there`);
  await rm(path, { force: true });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process answers there',
  EADDRNOTAVAIL: 'this machine has no such address',
  // Of a socket's path also when its directory is not there.
  EACCES: 'no such directory, or no permission to listen there',
  EINVAL: 'too long for the path of a socket',
};

function unusable(address: string, error: NodeJS.ErrnoException): AddressUnusable {
  const reason = REASONS[error.code ?? ''] ?? error.message;
  return new AddressUnusable(`${address}: ${reason}`, { cause: error });
}
