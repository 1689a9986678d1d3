import { NBD_DEFAULT_PORT, NBD_LIMIT } from '../wire/nbd/constants.ts';
import { decode, formatHostAndPort, hostAndPort, type Parts, queryOf, unusable } from './uri-parts.ts';
import { readTlsAccess, type TlsAccess, tlsParameters, tlsQuery } from './uri-tls.ts';

/** Where an NBD server listens, and how it is talked to: in plain when there is no `tls`. */
export type NbdAddress = ({ host: string; port: number } | { socketPath: string }) & { tls?: TlsAccess };

/** A Unix socket's path has 108 bytes in the kernel, the NUL included (unix(7)). */
const socketPathBytes = 107;

/** NBD's URI (NetworkBlockDevice/nbd, doc/uri.md), its schemes nbd, nbds, nbd+unix and nbds+unix. Throws `DeviceUnusable`. */
export function parseNbdUri(parts: Parts): { address: NbdAddress; exportName: string } {
  const secure = parts.scheme.startsWith('nbds');
  const address = parts.scheme.endsWith('+unix') ? unixAddress(parts, secure) : tcpAddress(parts, secure);
  return { address, exportName: exportName(parts) };
}

/** An NBD URI in its one spelling here, for messages and for the environment of a service. No secret is in it. */
export function formatNbdUri(address: NbdAddress, exportName: string): string {
  const { tls } = address;
  const scheme = tls === undefined ? 'nbd' : 'nbds';
  const user =
    tls?.kind === 'psk' && tls.identity !== undefined ? `${encodeURIComponent(tls.identity)}@` : '';
  const path = encodePath(exportName);
  if ('socketPath' in address) {
    const query = [
      ['socket', address.socketPath] as const,
      ...(tls === undefined ? [] : tlsQuery(tls, undefined)),
    ];
    return `${scheme}+unix://${user}/${path}${encodeQuery(query)}`;
  }
  const query = tls === undefined ? '' : encodeQuery(tlsQuery(tls, address.host));
  return `${scheme}://${user}${formatHostAndPort(address, NBD_DEFAULT_PORT)}/${path}${query}`;
}

function encodeQuery(pairs: readonly (readonly [string, string])[]): string {
  return `?${pairs.map(([name, value]) => `${name}=${encodePath(value)}`).join('&')}`;
}

function encodePath(text: string): string {
  return text.split('/').map(encodeSegment).join('/');
}

/** `@` may stand in a path (RFC 3986, pchar), and export names here are full of it. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll('%40', '@');
}

function tcpAddress(parts: Parts, secure: boolean): NbdAddress {
  const query = nbdQuery(parts, secure ? tlsParameters : []);
  const { user, rest } = userOf(parts, secure);
  const where = hostAndPort(parts, rest, NBD_DEFAULT_PORT, 'nbd://HOST[:PORT]/EXPORT');
  return secure ? { ...where, tls: tlsAccess(parts, query, user, where.host) } : where;
}

function unixAddress(parts: Parts, secure: boolean): NbdAddress {
  const { user, rest } = userOf(parts, secure);
  if (rest !== '') throw unusable(parts.uri, `a Unix socket has no host: nbd+unix:///EXPORT?socket=/PATH`);
  const query = nbdQuery(parts, secure ? ['socket', ...tlsParameters] : ['socket']);
  const socketPath = query.get('socket') ?? '';
  if (socketPath === '') throw unusable(parts.uri, 'needs a socket as in nbd+unix:///EXPORT?socket=/PATH');
  const length = Buffer.byteLength(socketPath);
  if (length > socketPathBytes) {
    throw unusable(parts.uri, `a socket's path has at most ${socketPathBytes} bytes, this one ${length}`);
  }
  return secure ? { socketPath, tls: tlsAccess(parts, query, user, undefined) } : { socketPath };
}

function tlsAccess(
  parts: Parts,
  query: ReadonlyMap<string, string>,
  user: string | undefined,
  host: string | undefined,
): TlsAccess {
  return readTlsAccess(query, user, host, (rule) => {
    throw unusable(parts.uri, rule);
  });
}

/** doc/uri.md: the path but for its first slash; another slash after it belongs to the name. */
function exportName(parts: Parts): string {
  const name = decode(parts, parts.path.replace(/^\//, ''), 'export name');
  if (name.includes('\0')) throw unusable(parts.uri, 'an export name cannot contain NUL');
  const length = Buffer.byteLength(name);
  if (length > NBD_LIMIT.stringBytes) {
    throw unusable(
      parts.uri,
      `an export name has at most ${NBD_LIMIT.stringBytes} bytes, this one ${length}`,
    );
  }
  return name;
}

/** "any other query parameters which the client does not understand SHOULD be diagnosed" */
function nbdQuery(parts: Parts, known: readonly string[]): Map<string, string> {
  return queryOf(parts, known, (name) =>
    tlsParameters.includes(name) ? `'${name}' is for nbds` : undefined,
  );
}

/** The authority without its user, who is the identity of a pre-shared key and nothing else. */
function userOf({ uri, authority = '' }: Parts, secure: boolean): { user?: string; rest: string } {
  const at = authority.lastIndexOf('@');
  if (at < 0) return { rest: authority };
  if (!secure) throw unusable(uri, 'no user or password in the URI of a block device in plain');
  const user = authority.slice(0, at);
  if (user.includes(':')) throw unusable(uri, 'no password in a URI; the key is in the file of tls-psk-file');
  return { user: decode({ uri }, user, 'user'), rest: authority.slice(at + 1) };
}
