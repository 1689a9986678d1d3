import type { NetConnectOpts } from 'node:net';
import { NBD_DEFAULT_PORT } from '../../src/wire/nbd/constants.ts';
import { WrongUsage } from './options.ts';

export interface NbdExport {
  connect: NetConnectOpts;
  exportName: string;
}

/** Where an NBD URI points: `nbd://host[:port]/export` or `nbd+unix:///export?socket=/path`. Throws on any other. */
export function parseNbdUri(uri: string): NbdExport {
  const { protocol, hostname, port, pathname, searchParams } = URL.parse(uri) ?? {};
  const exportName = decodeURIComponent((pathname ?? '').replace(/^\//, ''));
  const socket = searchParams?.get('socket') ?? '';
  if (protocol === 'nbd+unix:' && socket !== '') return { connect: { path: socket }, exportName };
  if (protocol === 'nbd:' && hostname !== undefined && hostname !== '') {
    const host = hostname.replace(/^\[|\]$/g, '');
    return { connect: { host, port: port === '' ? NBD_DEFAULT_PORT : Number(port) }, exportName };
  }
  throw new WrongUsage(`${uri}: not nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=/PATH`);
}
