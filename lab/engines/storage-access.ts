import { randomBytes } from 'node:crypto';
import { discoveryHello } from './discovery-hello.ts';
import type { StorageKind } from './storage.ts';

/** Whom a lab's servers are to its target (CHAP). */
const CHAP_USER = 'lab';
const TARGET = 'iqn.2026-11.example.arbiter:storage';
const QUORUM_LUN = 1;
const DATA_LUN = 2;

/** Where a program finds an area, as the agent's file and `arbiter init` take it. */
export interface AreaUris {
  quorum: string;
  /** Over NBD without the name of an export, which the agent itself adds. */
  data: string;
}

/** How a storage node is reached and what it is told, over each kind of storage. Secrets are files: never an argument. */
export interface StorageAccess {
  port: number;
  /** What a newcomer has to send before it is answered; undefined where the storage node speaks first. */
  hello: Uint8Array | undefined;
  /** What everybody has to know in a file of this content; undefined where nobody asks for one. */
  secret: string | undefined;
  /** `node`: who asks; `ADMIN` for whoever lays out the area. */
  uris(host: string, secretFile: string, node: string): AreaUris;
  /** The arguments of `arbiter storage` for it. */
  storageArguments(secretFile: string): string[];
}

/** Who lays out the area, and owns nothing. */
export const ADMIN = 'admin';

const NBD_PORT = 10809;

/** For one lab of these servers: its secrets are drawn here. */
export function storageAccess(storage: StorageKind, servers: readonly string[]): StorageAccess {
  if (storage === 'tgt') return iscsi(storage);
  return storage === 'nbds' ? nbds(servers) : nbd(storage);
}

/** A key for everybody, all in one file: whoever could read it may be any of them. */
function nbds(servers: readonly string[]): StorageAccess {
  const keys = [ADMIN, ...servers].map((node) => `${node}:${randomBytes(32).toString('hex')}\n`);
  return {
    ...{ port: NBD_PORT, hello: undefined, secret: keys.join('') },
    uris: (host, secretFile, node) => {
      const [to, key] = [
        `nbds://${node}@${host}:${NBD_PORT}`,
        `tls-psk-file=${encodeURIComponent(secretFile)}`,
      ];
      return { quorum: `${to}/quorum?${key}`, data: `${to}?${key}` };
    },
    storageArguments: (secretFile) => ['--backend', 'file', '--tls-psk', secretFile],
  };
}

function nbd(storage: StorageKind): StorageAccess {
  const port = NBD_PORT;
  return {
    ...{ port, hello: undefined, secret: undefined },
    uris: (host) => ({ quorum: `nbd://${host}:${port}/quorum`, data: `nbd://${host}:${port}` }),
    storageArguments: () => ['--backend', storage === 'nbd' ? 'file' : storage],
  };
}

function iscsi(storage: StorageKind): StorageAccess {
  const port = 3260;
  const unit = (host: string, lun: number, secretFile: string) =>
    `iscsi://${CHAP_USER}@${host}:${port}/${TARGET}/${lun}?chap-secret-file=${encodeURIComponent(secretFile)}`;
  return {
    ...{ port, hello: discoveryHello(), secret: randomBytes(16).toString('hex') },
    uris: (host, secretFile) => ({
      quorum: unit(host, QUORUM_LUN, secretFile),
      data: unit(host, DATA_LUN, secretFile),
    }),
    storageArguments: (secretFile) => [
      ...['--backend', storage, '--chap-user', CHAP_USER],
      ...['--chap-secret-file', secretFile],
    ],
  };
}
