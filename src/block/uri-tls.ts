/** How an NBD server is talked to under TLS. Files are named, and read when a connection is made; no secret is in here. */
export type TlsAccess =
  /** `directory` holds ca-cert.pem, and client-cert.pem and client-key.pem; the server's certificate is for `hostname`. */
  | { kind: 'certificates'; directory: string; hostname: string }
  /** `file` holds the key of `identity`; of this machine's user when that is left out (doc/uri.md, "NBD URI authority"). */
  | { kind: 'psk'; file: string; identity?: string };

/** Parameters of a query that speak about TLS: those of doc/uri.md, and libnbd's for files. */
export const tlsParameters = [
  'tls-type',
  'tls-hostname',
  'tls-verify-peer',
  'tls-certificates',
  'tls-psk-file',
];

/** What the parts of an `nbds` URI say, none of them decoded any more. `fail` throws, with the rule that is broken. */
export function readTlsAccess(
  query: ReadonlyMap<string, string>,
  user: string | undefined,
  host: string | undefined,
  fail: (rule: string) => never,
): TlsAccess {
  const directory = query.get('tls-certificates');
  const file = query.get('tls-psk-file');
  const verify = query.get('tls-verify-peer') ?? '1';
  if (!['1', 'true'].includes(verify)) fail(`tls-verify-peer=${verify}: a server is always verified`);
  if ((directory === undefined) === (file === undefined)) {
    fail('TLS needs either ?tls-certificates=DIR or ?tls-psk-file=FILE');
  }
  const kind = file === undefined ? 'x509' : 'psk';
  const type = query.get('tls-type') ?? kind;
  if (type !== kind) fail(`tls-type=${type}, and the files are for ${kind}`);
  return file === undefined
    ? certificates(directory!, query.get('tls-hostname') ?? host, user, fail)
    : preSharedKey(file, query.get('tls-hostname'), user, fail);
}

function certificates(
  directory: string,
  hostname: string | undefined,
  user: string | undefined,
  fail: (rule: string) => never,
): TlsAccess {
  if (directory === '') fail('tls-certificates is empty');
  if (user !== undefined) fail('a user goes with tls-psk-file; with certificates it is in client-cert.pem');
  if (hostname === undefined || hostname === '') {
    fail('needs tls-hostname, the name in the certificate of the server, for a socket has no host name');
  }
  return { kind: 'certificates', directory, hostname };
}

function preSharedKey(
  file: string,
  hostname: string | undefined,
  user: string | undefined,
  fail: (rule: string) => never,
): TlsAccess {
  if (file === '') fail('tls-psk-file is empty');
  if (hostname !== undefined)
    fail('tls-hostname goes with tls-certificates; a pre-shared key has no host name');
  return user === undefined ? { kind: 'psk', file } : { kind: 'psk', file, identity: user };
}

/** The parameters that name the same again, as pairs; `host` is the URI's own. */
export function tlsQuery(access: TlsAccess, host: string | undefined): (readonly [string, string])[] {
  if (access.kind === 'psk') return [['tls-psk-file', access.file]];
  const { directory, hostname } = access;
  return [
    ['tls-certificates', directory],
    ...(hostname === host ? [] : [['tls-hostname', hostname] as const]),
  ];
}
