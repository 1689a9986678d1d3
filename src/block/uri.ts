import { NBD_DEFAULT_PORT, NBD_LIMIT } from '../wire/nbd/constants.ts';
import { DeviceUnusable } from '../ports/block-device.ts';
import { readTlsAccess, type TlsAccess, tlsParameters, tlsQuery } from './uri-tls.ts';

/** Where an NBD server listens, and how it is talked to: in plain when there is no `tls`. */
export type NbdAddress = ({ host: string; port: number } | { socketPath: string }) & { tls?: TlsAccess };

export type DeviceUri =
  { kind: 'nbd'; address: NbdAddress; exportName: string } | { kind: 'file'; path: string };

const forms =
  'nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=/PATH, both as nbds with TLS, file:///PATH and a plain path';

/** A Unix socket's path has 108 bytes in the kernel, the NUL included (unix(7)). */
const socketPathBytes = 107;

/** RFC 3986, appendix B, with a scheme that must be there. */
const uriPattern =
  /^(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?:\/\/(?<authority>[^/?#]*))?(?<path>[^?#]*)(?:\?(?<query>[^#]*))?(?<fragment>#.*)?$/s;

interface Parts {
  /** For messages. */
  uri: string;
  authority: string | undefined;
  path: string;
  query: string | undefined;
}

/**
 * Reads the URI of a block device: NBD's (NetworkBlockDevice/nbd, doc/uri.md), `file:`, or a plain path. Rejects, with
 * one line that names the URI and the rule, everything it would otherwise have to guess. Throws `DeviceUnusable`.
 */
export function parseDeviceUri(uri: string): DeviceUri {
  if (uri === '')
    throw new DeviceUnusable(`a block device is named by a URI, and this one is empty; known are ${forms}`);
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri)) return { kind: 'file', path: uri };
  const groups = uriPattern.exec(uri)?.groups;
  const scheme = groups?.['scheme']?.toLowerCase();
  const shown = withoutUser(uri);
  if (groups === undefined || scheme === undefined) throw unusable(shown, `not a URI; known are ${forms}`);
  const parts = {
    uri: shown,
    authority: groups['authority'],
    path: groups['path'] ?? '',
    query: groups['query'],
  };
  if (groups['fragment'] !== undefined) throw unusable(shown, `a URI of a block device has no fragment (#)`);
  switch (scheme) {
    case 'nbd':
    case 'nbds':
      return { kind: 'nbd', address: tcpAddress(parts, scheme === 'nbds'), exportName: exportName(parts) };
    case 'nbd+unix':
    case 'nbds+unix':
      return {
        kind: 'nbd',
        address: unixAddress(parts, scheme === 'nbds+unix'),
        exportName: exportName(parts),
      };
    case 'file':
      return { kind: 'file', path: filePath(parts) };
    default:
      throw unusable(shown, `unknown kind of block device '${scheme}'; known are ${forms}`);
  }
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
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const port = address.port === NBD_DEFAULT_PORT ? '' : `:${address.port}`;
  const query = tls === undefined ? '' : encodeQuery(tlsQuery(tls, address.host));
  return `${scheme}://${user}${host}${port}/${path}${query}`;
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
  const query = queryOf(parts, secure ? tlsParameters : []);
  const { user, rest } = userOf(parts, secure);
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+(?:%25[^\]]+)?)\]|(?<name>[^:[\]]*))(?::(?<port>[0-9]*))?$/.exec(
    rest,
  );
  const host = decode(parts, match?.groups?.['v6'] ?? match?.groups?.['name'] ?? '', 'host');
  if (host === '') {
    throw unusable(
      parts.uri,
      `needs a host as in nbd://HOST[:PORT]/EXPORT; IPv6 addresses stand in [brackets]`,
    );
  }
  const digits = match?.groups?.['port'];
  const port = digits === undefined || digits === '' ? NBD_DEFAULT_PORT : Number(digits);
  if (port < 1 || port > 65535) throw unusable(parts.uri, `port ${digits} is not within 1 and 65535`);
  return secure ? { host, port, tls: tlsAccess(parts, query, user, host) } : { host, port };
}

function unixAddress(parts: Parts, secure: boolean): NbdAddress {
  const { user, rest } = userOf(parts, secure);
  if (rest !== '') throw unusable(parts.uri, `a Unix socket has no host: nbd+unix:///EXPORT?socket=/PATH`);
  const query = queryOf(parts, secure ? ['socket', ...tlsParameters] : ['socket']);
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

/** RFC 8089: no host or this one. */
function filePath(parts: Parts): string {
  if (parts.authority !== undefined && parts.authority !== '' && parts.authority !== 'localhost') {
    throw unusable(parts.uri, 'a file is on this machine: file:///PATH');
  }
  if (parts.query !== undefined)
    throw unusable(parts.uri, 'a file has no query (?); write %3F for a ? in its name');
  const path = decode(parts, parts.path, 'path');
  if (!path.startsWith('/') || path === '/')
    throw unusable(parts.uri, 'needs an absolute path as in file:///PATH');
  if (path.includes('\0')) throw unusable(parts.uri, 'a path cannot contain NUL');
  return path;
}

/** The query's parameters; "any other query parameters which the client does not understand SHOULD be diagnosed". */
function queryOf(parts: Parts, known: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of (parts.query ?? '').split('&').filter((pair) => pair !== '')) {
    const at = pair.indexOf('=');
    const name = decode(parts, at < 0 ? pair : pair.slice(0, at), 'query');
    if (!known.includes(name)) {
      const why = tlsParameters.includes(name)
        ? `'${name}' is for nbds`
        : `unknown parameter '${name}' in the query`;
      throw unusable(parts.uri, why);
    }
    if (found.has(name)) throw unusable(parts.uri, `parameter '${name}' stands in the query twice`);
    found.set(name, decode(parts, at < 0 ? '' : pair.slice(at + 1), 'query'));
  }
  return found;
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

function decode(parts: Pick<Parts, 'uri'>, text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new DeviceUnusable(`${parts.uri}: wrong percent-encoding in its ${what}`, undefined, { cause });
  }
}

/** A URI is shown in messages; what may be a password in it is not. */
function withoutUser(uri: string): string {
  return uri.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/, '$1');
}

function unusable(uri: string, rule: string): DeviceUnusable {
  return new DeviceUnusable(`${uri}: ${rule}`);
}
