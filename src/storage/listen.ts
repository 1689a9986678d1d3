import type { ListenOptions, Server } from 'node:net';
import { listening } from '../system/listening.ts';
import { StorageUnusable, systemReason } from './unusable.ts';

/** Where to listen: `unix` is a path in the file system. */
export type ListenAddress = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string };

/**
 * `HOST`, `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`; undefined for anything else. Port 0 lets the system choose one,
 * none is `defaultPort`.
 */
export function parseListenAddress(text: string, defaultPort: number): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path.startsWith('/') ? { kind: 'unix', path } : undefined;
  }
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === undefined || port > 65535 ? undefined : { kind: 'tcp', host, port };
}

/**
 * Resolves with the address in words once the server listens there. A socket file that nobody answers at any more is
 * replaced. Rejects with StorageUnusable.
 */
export async function listenOn(server: Server, address: ListenAddress): Promise<string> {
  const options: ListenOptions =
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  try {
    await listening(server, options);
  } catch (error) {
    throw new StorageUnusable(`storage: cannot listen on ${describe(address)}: ${listenReason(error)}`, {
      cause: error,
    });
  }
  const bound = server.address();
  if (typeof bound === 'string' || bound === null) return describe(address);
  return describe({ kind: 'tcp', host: bound.address, port: bound.port });
}

function describe(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function listenReason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return 'the address is in use by another process';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTSOCK':
      return 'something that is no socket is there';
    case 'EACCES':
      return 'permission denied';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no host of that name';
    default:
      return systemReason(error);
  }
}
