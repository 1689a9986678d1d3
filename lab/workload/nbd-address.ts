import type { NetConnectOpts } from 'node:net';
import { NBD_DEFAULT_PORT } from '../../src/wire/nbd/constants.ts';
import { WrongUsage } from './options.ts';

export interface NbdExport {
  connect: NetConnectOpts;
  exportName: string;
  /** Over TLS, by the key of this identity in this file; undefined in plain. */
  psk: { identity: string; file: string } | undefined;
}

/**
 * Where an NBD URI points: `nbd://host[:port]/export`, `nbds://identity@host[:port]/export?tls-psk-file=/path` or
 * `nbd+unix:///export?socket=/path`. Throws on any other.
 */
export function parseNbdUri(uri: string): NbdExport {
  const { protocol, username = '', hostname, port, pathname, searchParams } = URL.parse(uri) ?? {};
  const exportName = decodeURIComponent((pathname ?? '').replace(/^\//, ''));
  const socket = searchParams?.get('socket') ?? '';
  if (protocol === 'nbd+unix:' && socket !== '')
    return { connect: { path: socket }, exportName, psk: undefined };
  const file = searchParams?.get('tls-psk-file') ?? '';
  const isSecure = protocol === 'nbds:' && username !== '' && file !== '';
  if ((protocol === 'nbd:' || isSecure) && hostname !== undefined && hostname !== '') {
    const host = hostname.replace(/^\[|\]$/g, '');
    const psk = isSecure ? { identity: decodeURIComponent(username), file } : undefined;
    return { connect: { host, port: port === '' ? NBD_DEFAULT_PORT : Number(port) }, exportName, psk };
  }
  throw new WrongUsage(
    `${uri}: not nbd://HOST[:PORT]/EXPORT, nbds://NODE@HOST[:PORT]/EXPORT?tls-psk-file=/PATH or ` +
      'nbd+unix:///EXPORT?socket=/PATH',
  );
}

/** The URI of one export of a server, whatever stands behind it in the URI of the server. */
export function exportAt(serverUri: string, exportName: string): string {
  const [server = '', ...query] = serverUri.split('?');
  return [`${server.replace(/\/$/, '')}/${encodeURIComponent(exportName)}`, ...query].join('?');
}
