import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatNbdUri } from './uri-nbd.ts';
import { parseDeviceUri } from './uri.ts';

const tcp = (host: string, port: number, exportName: string): unknown => ({
  kind: 'nbd',
  address: { host, port },
  exportName,
});
const unix = (socketPath: string, exportName: string): unknown => ({
  kind: 'nbd',
  address: { socketPath },
  exportName,
});
const file = (path: string): unknown => ({ kind: 'file', path });
const psk = (file: string, identity?: string): unknown =>
  identity === undefined ? { kind: 'psk', file } : { kind: 'psk', file, identity };
const certificates = (directory: string, hostname: string): unknown => ({
  kind: 'certificates',
  directory,
  hostname,
});
const secure = (address: object, tls: unknown): unknown => ({
  kind: 'nbd',
  address: { ...address, tls },
  exportName: 'x',
});
const h = { host: 'h', port: 10809 };

// prettier-ignore
const good: readonly [uri: string, device: unknown, why: string][] = [
  [ 'nbd://example.com:10810/disk',          tcp('example.com', 10810, 'disk'),        'host, port, export name' ],
  [ 'nbd://example.com/disk',                tcp('example.com', 10809, 'disk'),        'the port of IANA' ],
  [ 'nbd://example.com:/disk',               tcp('example.com', 10809, 'disk'),        'RFC 3986: an empty port is none' ],
  [ 'nbd://example.com',                     tcp('example.com', 10809, ''),            'the default export' ],
  [ 'nbd://example.com/',                    tcp('example.com', 10809, ''),            'the default export' ],
  [ 'nbd://example.com//disk',               tcp('example.com', 10809, '/disk'),       'the second slash belongs to the name' ],
  [ 'nbd://example.com/hello%20world',       tcp('example.com', 10809, 'hello world'), 'percent-encoding' ],
  [ 'nbd://example.com/a/../b',              tcp('example.com', 10809, 'a/../b'),      'a name is not a path' ],
  [ 'nbd://127.0.0.1/data@a.3.0011aabb',     tcp('127.0.0.1', 10809, 'data@a.3.0011aabb'), 'names of a gate' ],
  [ 'nbd://127.0.0.1/data%40a.3',            tcp('127.0.0.1', 10809, 'data@a.3'),      'the same, encoded' ],
  [ 'nbd://[::1]:1234/x',                    tcp('::1', 1234, 'x'),                    'IPv6 in brackets' ],
  [ 'nbd://[fe80::1%25eth0]/x',              tcp('fe80::1%eth0', 10809, 'x'),          'RFC 6874: a zone' ],
  [ 'NBD://h/x',                             tcp('h', 10809, 'x'),                     'schemes know no case' ],
  [ 'nbd+unix:///disk?socket=/run/nbd.sock', unix('/run/nbd.sock', 'disk'),            'a Unix socket' ],
  [ 'nbd+unix:///?socket=nbd.sock',          unix('nbd.sock', ''),                     'a relative one' ],
  [ 'nbd+unix:///?socket=%00/abstract',      unix('\0/abstract', ''),                  'an abstract one' ],
  [ 'nbd+unix:///?socket=/a%20b%26c',        unix('/a b&c', ''),                       'percent-encoding in the query' ],
  [ 'nbds://alice@h/x?tls-psk-file=/k',            secure(h, psk('/k', 'alice')),               'a pre-shared key' ],
  [ 'nbds://h/x?tls-psk-file=/k',                  secure(h, psk('/k')),                        'of whoever runs this' ],
  [ 'nbds://a%40b@h/x?tls-psk-file=/a%26b',        secure(h, psk('/a&b', 'a@b')),               'percent-encoding in both' ],
  [ 'nbds://h/x?tls-psk-file=/k&tls-type=psk&tls-verify-peer=1', secure(h, psk('/k')),          'said twice' ],
  [ 'nbds://h/x?tls-certificates=/c',              secure(h, certificates('/c', 'h')),          'certificates, for the host of the URI' ],
  [ 'nbds://h/x?tls-certificates=/c&tls-hostname=s', secure(h, certificates('/c', 's')),        'or for another name' ],
  [ 'nbds://h/x?tls-certificates=/c&tls-type=x509', secure(h, certificates('/c', 'h')),         'said twice' ],
  [ 'nbds+unix://alice@/x?socket=/s&tls-psk-file=/k', secure({ socketPath: '/s' }, psk('/k', 'alice')), 'over a Unix socket' ],
  [ 'nbds+unix:///x?socket=/s&tls-certificates=/c&tls-hostname=s', secure({ socketPath: '/s' }, certificates('/c', 's')), 'which has no host name' ],
  [ 'file:///var/lib/q.img',                 file('/var/lib/q.img'),                   'RFC 8089' ],
  [ 'file://localhost/q.img',                file('/q.img'),                           'RFC 8089: this machine' ],
  [ 'file:/q.img',                           file('/q.img'),                           'RFC 8089: the short form' ],
  [ 'file:///a%20b%3Fc',                     file('/a b?c'),                           'percent-encoding' ],
  [ '/dev/sdb',                              file('/dev/sdb'),                         'a plain path' ],
  [ './a:b',                                 file('./a:b'),                            'a plain path with a colon' ],
  [ 'q.img',                                 file('q.img'),                            'a plain relative path' ],
  [ 'images/a:b',                            file('images/a:b'),                       'no scheme has a slash' ],
];

const forms =
  'nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=/PATH, both as nbds with TLS, iscsi://[USER@]HOST[:PORT]/TARGET/LUN, file:///PATH and a plain path';

// prettier-ignore
const bad: readonly [uri: string, message: string][] = [
  [ '',                             `a block device is named by a URI, and this one is empty; known are ${forms}` ],
  [ 'iser://host/iqn/0',           `iser://host/iqn/0: unknown kind of block device 'iser'; known are ${forms}` ],
  [ 'host:10809',                   `host:10809: unknown kind of block device 'host'; known are ${forms}` ],
  [ 'http://me:secret@host/x',      `http://...: unknown kind of block device 'http'; known are ${forms}` ],
  [ 'nbds://host/x',                'nbds://host/x: TLS needs either ?tls-certificates=DIR or ?tls-psk-file=FILE' ],
  [ 'nbds+unix:///x?socket=/s',     'nbds+unix:///x?socket=/s: TLS needs either ?tls-certificates=DIR or ?tls-psk-file=FILE' ],
  [ 'nbds://h/x?tls-certificates=/c&tls-psk-file=/k', 'nbds://h/x?tls-certificates=/c&tls-psk-file=/k: TLS needs either ?tls-certificates=DIR or ?tls-psk-file=FILE' ],
  [ 'nbds://h/x?tls-psk-file=/k&tls-verify-peer=0', 'nbds://h/x?tls-psk-file=/k&tls-verify-peer=0: tls-verify-peer=0: a server is always verified' ],
  [ 'nbds://h/x?tls-psk-file=/k&tls-type=x509', 'nbds://h/x?tls-psk-file=/k&tls-type=x509: tls-type=x509, and the files are for psk' ],
  [ 'nbds://h/x?tls-certificates=/c&tls-type=anon', 'nbds://h/x?tls-certificates=/c&tls-type=anon: tls-type=anon, and the files are for x509' ],
  [ 'nbds://h/x?tls-psk-file=',     'nbds://h/x?tls-psk-file=: tls-psk-file is empty' ],
  [ 'nbds://h/x?tls-certificates=', 'nbds://h/x?tls-certificates=: tls-certificates is empty' ],
  [ 'nbds://h/x?tls-psk-file=/k&tls-hostname=s', 'nbds://h/x?tls-psk-file=/k&tls-hostname=s: tls-hostname goes with tls-certificates; a pre-shared key has no host name' ],
  [ 'nbds://me@h/x?tls-certificates=/c', 'nbds://h/x?tls-certificates=/c: a user goes with tls-psk-file; with certificates it is in client-cert.pem' ],
  [ 'nbds://me:secret@h/x?tls-psk-file=/k', 'nbds://h/x?tls-psk-file=/k: no password in a URI; the key is in the file of tls-psk-file' ],
  [ 'nbds+unix:///x?socket=/s&tls-certificates=/c', 'nbds+unix:///x?socket=/s&tls-certificates=/c: needs tls-hostname, the name in the certificate of the server, for a socket has no host name' ],
  [ 'nbd://host/x?tls-type=psk',    "nbd://host/x?tls-type=psk: 'tls-type' is for nbds" ],
  [ 'nbd+unix:///x?socket=/s&tls-psk-file=/k', "nbd+unix:///x?socket=/s&tls-psk-file=/k: 'tls-psk-file' is for nbds" ],
  [ 'nbd://host/x?socket=/s',       "nbd://host/x?socket=/s: unknown parameter 'socket' in the query" ],
  [ 'nbd+unix:///x?socket=/s&y=1',  "nbd+unix:///x?socket=/s&y=1: unknown parameter 'y' in the query" ],
  [ 'nbd+unix:///x?socket=/s&socket=/t', "nbd+unix:///x?socket=/s&socket=/t: parameter 'socket' stands in the query twice" ],
  [ 'nbd+unix:///x',                'nbd+unix:///x: needs a socket as in nbd+unix:///EXPORT?socket=/PATH' ],
  [ 'nbd+unix:///x?socket=',        'nbd+unix:///x?socket=: needs a socket as in nbd+unix:///EXPORT?socket=/PATH' ],
  [ 'nbd+unix://h/x?socket=/s',     'nbd+unix://h/x?socket=/s: a Unix socket has no host: nbd+unix:///EXPORT?socket=/PATH' ],
  [ `nbd+unix:///?socket=/${'s'.repeat(107)}`, `nbd+unix:///?socket=/${'s'.repeat(107)}: a socket's path has at most 107 bytes, this one 108` ],
  [ 'nbd:///x',                     'nbd:///x: needs a host as in nbd://HOST[:PORT]/EXPORT; IPv6 addresses stand in [brackets]' ],
  [ 'nbd:x',                        'nbd:x: needs a host as in nbd://HOST[:PORT]/EXPORT; IPv6 addresses stand in [brackets]' ],
  [ 'nbd://::1/x',                  'nbd://::1/x: needs a host as in nbd://HOST[:PORT]/EXPORT; IPv6 addresses stand in [brackets]' ],
  [ 'nbd://h:99999/x',              'nbd://h:99999/x: port 99999 is not within 1 and 65535' ],
  [ 'nbd://h:0/x',                  'nbd://h:0/x: port 0 is not within 1 and 65535' ],
  [ 'nbd://h:http/x',               'nbd://h:http/x: needs a host as in nbd://HOST[:PORT]/EXPORT; IPv6 addresses stand in [brackets]' ],
  [ 'nbd://me:secret@h/x',          'nbd://h/x: no user or password in the URI of a block device in plain' ],
  [ 'nbd+unix://me:secret@/x?socket=/s', 'nbd+unix:///x?socket=/s: no user or password in the URI of a block device in plain' ],
  [ 'nbd://h/x#y',                  'nbd://h/x#y: a URI of a block device has no fragment (#)' ],
  [ 'nbd://h/%zz',                  'nbd://h/%zz: wrong percent-encoding in its export name' ],
  [ 'nbd://h/%00',                  'nbd://h/%00: an export name cannot contain NUL' ],
  [ `nbd://h/${'x'.repeat(4097)}`,  `nbd://h/${'x'.repeat(4097)}: an export name has at most 4096 bytes, this one 4097` ],
  [ '/srv/a://b',                   `/srv/a://b: no URI, for all its ://; known are ${forms} (with :// in it only as file:///PATH)` ],
  [ 'file://other/x',               'file://other/x: a file is on this machine: file:///PATH' ],
  [ 'file:x',                       'file:x: needs an absolute path as in file:///PATH' ],
  [ 'file:///',                     'file:///: needs an absolute path as in file:///PATH' ],
  [ 'file:///x?y',                  'file:///x?y: a file has no query (?); write %3F for a ? in its name' ],
  [ 'file:///%00',                  'file:///%00: a path cannot contain NUL' ],
];

describe('the URI of a block device', () => {
  for (const [uri, device, why] of good) {
    it(`${uri}: ${why}`, () => assert.deepEqual(parseDeviceUri(uri), device));
  }

  for (const [uri, message] of bad) {
    it(`is refused: ${message.slice(0, 150)}`, () => {
      assert.throws(() => parseDeviceUri(uri), { name: 'DeviceUnusable', message });
    });
  }

  it('is written in one spelling', () => {
    const written = (uri: string): string => {
      const device = parseDeviceUri(uri);
      assert.ok(device.kind === 'nbd');
      return formatNbdUri(device.address, device.exportName);
    };
    assert.equal(written('NBD://[::1]:10809/data%40a.3'), 'nbd://[::1]/data@a.3');
    assert.equal(written('nbd://h:1/a%2Fb?'), 'nbd://h:1/a/b');
    assert.equal(written('nbd+unix:///x%3f?socket=%2Frun%2Fnbd%20s'), 'nbd+unix:///x%3F?socket=/run/nbd%20s');
  });

  it('is read back as it was written', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((it) => !it.includes('\0'));
    const tls = fc.record(
      {
        tls: fc.oneof(
          fc.record({ kind: fc.constant('psk' as const), file: text }, { noNullPrototype: true }),
          fc.record(
            { kind: fc.constant('psk' as const), file: text, identity: text },
            { noNullPrototype: true },
          ),
          fc.record(
            { kind: fc.constant('certificates' as const), directory: text, hostname: text },
            { noNullPrototype: true },
          ),
        ),
      },
      { noNullPrototype: true },
    );
    const where = fc.oneof(
      text.filter((it) => Buffer.byteLength(it) < 108).map((socketPath) => ({ socketPath })),
      fc.record(
        {
          host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
          port: fc.integer({ min: 1, max: 65535 }),
        },
        { noNullPrototype: true },
      ),
    );
    const address = fc.tuple(where, fc.option(tls)).map(([where, tls]) => ({ ...where, ...tls }));
    fc.assert(
      fc.property(address, text, (address, exportName) => {
        assert.deepEqual(parseDeviceUri(formatNbdUri(address, exportName)), {
          kind: 'nbd',
          address,
          exportName,
        });
      }),
    );
  });
});
