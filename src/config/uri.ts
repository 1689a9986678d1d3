/** Kinds of block devices an agent can open, and how their URIs are written. */
const FORMS: Readonly<Record<string, string>> = {
  'nbd:': 'nbd://HOST:PORT/EXPORT',
  'nbd+unix:': 'nbd+unix:///EXPORT?socket=/PATH',
  'file:': 'file:///PATH',
};

/** What is wrong with `uri` as the URI of a block device, as a rule with an example; undefined when nothing is. */
export function deviceUriProblem(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (url === null) return `not a URI; as ${Object.values(FORMS).join(', ')}`;
  const form = FORMS[url.protocol];
  if (form === undefined) {
    return `a URI of an unknown kind '${url.protocol.slice(0, -1)}'; known are ${Object.values(FORMS).join(', ')}`;
  }
  if (url.username !== '' || url.password !== '') return `no user or password in a URI; as ${form}`;
  return hasWhatItNeeds(url) ? undefined : `must be ${form}`;
}

function hasWhatItNeeds(url: URL): boolean {
  switch (url.protocol) {
    case 'nbd:':
      return url.hostname !== '';
    case 'nbd+unix:':
      return url.hostname === '' && (url.searchParams.get('socket') ?? '').startsWith('/');
    default:
      return (url.hostname === '' || url.hostname === 'localhost') && url.pathname.length > 1;
  }
}

/** The export name in an NBD URI; '' when it has none. */
export function exportOf(uri: string): string {
  return decodeURIComponent(new URL(uri).pathname.replace(/^\//, ''));
}

/** True for URIs of a server that can refuse an export name. */
export function isNbdUri(uri: string): boolean {
  return uri.startsWith('nbd:') || uri.startsWith('nbd+unix:');
}

/** A Unix socket's path has 108 bytes in the kernel, the NUL included (unix(7)). */
const SOCKET_PATH_MAX = 107;

/** What is wrong with `address` as the place of the status endpoint; undefined when nothing is. */
export function statusAddressProblem(address: string): string | undefined {
  const rule = 'must be unix:/PATH or tcp://127.0.0.1:PORT';
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length);
    if (!path.startsWith('/')) return rule;
    const length = Buffer.byteLength(path);
    return length > SOCKET_PATH_MAX
      ? `a socket's path has at most ${SOCKET_PATH_MAX} bytes, this one ${length}`
      : undefined;
  }
  const url = URL.parse(address);
  if (url === null || url.protocol !== 'tcp:' || url.port === '') return rule;
  return ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
    ? undefined
    : `is served on the loopback address only, for it has no access control: ${rule}`;
}
