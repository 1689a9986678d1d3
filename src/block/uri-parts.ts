import { DeviceUnusable } from '../ports/block-device.ts';

/** RFC 3986, appendix B, with a scheme that must be there. */
const uriPattern =
  /^(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?:\/\/(?<authority>[^/?#]*))?(?<path>[^?#]*)(?:\?(?<query>[^#]*))?(?<fragment>#.*)?$/s;

/** The parts of a URI, none of them decoded yet. */
export interface Parts {
  /** In lower case. */
  scheme: string;
  /** The URI for messages: without what may be a secret in it. */
  uri: string;
  authority: string | undefined;
  path: string;
  query: string | undefined;
}

/** Undefined for what is no URI, as a path. Throws `DeviceUnusable` for a URI that is none of a block device. */
export function splitUri(uri: string, forms: string): Parts | undefined {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return undefined;
  const groups = uriPattern.exec(uri)?.groups;
  const shown = withoutSecret(uri);
  if (groups === undefined) throw unusable(shown, `not a URI; known are ${forms}`);
  if (groups['fragment'] !== undefined) throw unusable(shown, `a URI of a block device has no fragment (#)`);
  const { authority, path = '', query } = groups;
  return { scheme, uri: shown, authority, path, query };
}

/** `iscsi://USER%SECRET` and `iscsi://USER:PASSWORD` of somebody who forgot the host: where the secret ends nobody knows. */
const hostless = /^(iscsi:\/*)(?:[^@/[%]*%|(?<=^iscsi:\/{0,2})[^@/[:%]+:(?![0-9]*(?:[/?#]|$)))[^@]*$/is;

/** `iscsi ://USER%SECRET@HOST`, `isci://...`: of a scheme that is mistyped nobody knows where a secret begins and ends. */
const mistyped =
  /^(?!(?:nbds?(?:\+unix)?|iscsi|file):)([^%@]*?:\/\/|).*(?:[%@?]|:(?![0-9]*(?:[/?#]|$))).*$/is;

/**
 * A URI as it is shown in messages. What may be a password in it is left out: the user of an authority, and of an iSCSI
 * URI with a secret everything up to its last `@`, for a secret may have a `/` in it; its query too, for people write
 * secrets there.
 */
export function withoutSecret(uri: string): string {
  if (uri.includes('://') && mistyped.test(uri)) return uri.replace(mistyped, '$1...');
  if (hostless.test(uri)) return uri.replace(hostless, '$1...');
  const user = /^iscsi:\/*[^@/[%]*%/i.test(uri)
    ? /^([A-Za-z]+:\/*).*@/s
    : /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/;
  const shown = uri.replace(user, '$1');
  return /^iscsi:/i.test(shown) ? shown.replace(/[?#].*$/s, '') : shown;
}

export interface HostAndPort {
  host: string;
  port: number;
}

/** An authority without its user. `form`: how such a URI is written, for messages. */
export function hostAndPort(parts: Parts, authority: string, defaultPort: number, form: string): HostAndPort {
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+(?:%25[^\]]+)?)\]|(?<name>[^:[\]]*))(?::(?<port>[0-9]*))?$/.exec(
    authority,
  );
  const host = decode(parts, match?.groups?.['v6'] ?? match?.groups?.['name'] ?? '', 'host');
  if (host === '') {
    throw unusable(parts.uri, `needs a host as in ${form}; IPv6 addresses stand in [brackets]`);
  }
  const digits = match?.groups?.['port'];
  const port = digits === undefined || digits === '' ? defaultPort : Number(digits);
  if (port < 1 || port > 65535) throw unusable(parts.uri, `port ${digits} is not within 1 and 65535`);
  return { host, port };
}

/** `host[:port]` as an authority has it. */
export function formatHostAndPort({ host, port }: HostAndPort, defaultPort: number): string {
  return `${host.includes(':') ? `[${host}]` : host}${port === defaultPort ? '' : `:${port}`}`;
}

/**
 * The query's parameters, decoded. One that is not `known` is refused: what is meant by it would not happen. `elsewhere`
 * says what a parameter is for that this kind of URI does not have.
 */
export function queryOf(
  parts: Parts,
  known: readonly string[],
  elsewhere: (name: string) => string | undefined = () => undefined,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of (parts.query ?? '').split('&').filter((pair) => pair !== '')) {
    const at = pair.indexOf('=');
    const name = decode(parts, at < 0 ? pair : pair.slice(0, at), 'query');
    if (!known.includes(name)) {
      throw unusable(parts.uri, elsewhere(name) ?? `unknown parameter '${name}' in the query`);
    }
    if (found.has(name)) throw unusable(parts.uri, `parameter '${name}' stands in the query twice`);
    found.set(name, decode(parts, at < 0 ? '' : pair.slice(at + 1), 'query'));
  }
  return found;
}

export function decode(parts: Pick<Parts, 'uri'>, text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new DeviceUnusable(`${parts.uri}: wrong percent-encoding in its ${what}`, undefined, { cause });
  }
}

export function unusable(uri: string, rule: string): DeviceUnusable {
  return new DeviceUnusable(`${uri}: ${rule}`);
}
