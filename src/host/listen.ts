import type { ListenOptions, Server } from 'node:net';
import { listening } from '../system/listening.ts';

/** The endpoint cannot be opened. One line, for people. */
class AddressUnusable extends Error {
  override readonly name = 'AddressUnusable';
}

/**
 * Listens on `unix:/path` or `tcp://127.0.0.1:port`. A socket file that nobody listens on any more is replaced; one that
 * is in use, a path that is no socket and an address that is taken are AddressUnusable.
 */
export async function listen(server: Server, address: string): Promise<void> {
  try {
    await listening(server, listenOptions(address));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AddressUnusable(`${address}: ${REASONS[code ?? ''] ?? message}`, { cause: error });
  }
}

function listenOptions(address: string): ListenOptions {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const { hostname, port } = new URL(address);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process answers there',
  EADDRNOTAVAIL: 'this machine has no such address',
  // Of a socket's path also when its directory is not there.
  EACCES: 'no such directory, or no permission to listen there',
  EINVAL: 'too long for the path of a socket',
};
