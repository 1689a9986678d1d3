import { WrongUsage } from './options.ts';

export interface IscsiUnitAddress {
  host: string;
  port: number;
  target: string;
  lun: number;
  /** Who this is to the target, and the file of the secret that proves it. */
  user: string;
  secretFile: string;
}

/** `iscsi://USER@HOST:PORT/TARGET/LUN?chap-secret-file=PATH`, as the lab's servers have it. Throws on any other. */
export function parseIscsiUri(uri: string): IscsiUnitAddress {
  const { protocol, username, hostname, port, pathname, searchParams } = URL.parse(uri) ?? {};
  const path = /^\/(?<target>[^/]+)\/(?<lun>\d+)$/.exec(pathname ?? '')?.groups;
  const secretFile = searchParams?.get('chap-secret-file') ?? '';
  const [user, host] = [username ?? '', hostname ?? ''];
  if (protocol !== 'iscsi:' || path === undefined || user === '' || host === '' || secretFile === '')
    throw new WrongUsage(`${uri}: not iscsi://USER@HOST:PORT/TARGET/LUN?chap-secret-file=PATH`);
  const target = decodeURIComponent(path['target']!);
  return { host, port: Number(port ?? 3260), target, lun: Number(path['lun']), user, secretFile };
}
