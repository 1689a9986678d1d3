import { DeviceUnusable } from '../ports/block-device.ts';
import { type IscsiAddress, parseIscsiUri } from './uri-iscsi.ts';
import { type NbdAddress, parseNbdUri } from './uri-nbd.ts';
import { decode, type Parts, splitUri, unusable, withoutSecret } from './uri-parts.ts';

export type DeviceUri =
  | { kind: 'nbd'; address: NbdAddress; exportName: string }
  | { kind: 'iscsi'; address: IscsiAddress }
  | { kind: 'file'; path: string };

const forms =
  'nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=/PATH, both as nbds with TLS, iscsi://[USER@]HOST[:PORT]/TARGET/LUN, file:///PATH and a plain path';

/**
 * Reads the URI of a block device: NBD's (NetworkBlockDevice/nbd, doc/uri.md), libiscsi's, `file:`, or a plain path. Rejects,
 * with one line that names the URI and the rule, everything it would otherwise have to guess. Throws `DeviceUnusable`.
 */
export function parseDeviceUri(uri: string): DeviceUri {
  if (uri === '')
    throw new DeviceUnusable(`a block device is named by a URI, and this one is empty; known are ${forms}`);
  const parts = splitUri(uri, forms);
  if (parts === undefined) {
    if (!uri.includes('://')) return { kind: 'file', path: uri };
    throw unusable(
      withoutSecret(uri),
      `no URI, for all its ://; known are ${forms} (with :// in it only as file:///PATH)`,
    );
  }
  switch (parts.scheme) {
    case 'nbd':
    case 'nbds':
    case 'nbd+unix':
    case 'nbds+unix':
      return { kind: 'nbd', ...parseNbdUri(parts) };
    case 'iscsi':
      return { kind: 'iscsi', address: parseIscsiUri(parts) };
    case 'file':
      return { kind: 'file', path: filePath(parts) };
    default:
      throw unusable(parts.uri, `unknown kind of block device '${parts.scheme}'; known are ${forms}`);
  }
}

/** Whether a secret stands in the URI itself, where everybody who sees it can read it. It need not be a good URI. */
export function carriesSecret(uri: string): boolean {
  return /^iscsi:\/*[^@/[%]*%.*@/is.test(uri) || /^iscsi:[^?]*\?(?:.*&)?[^=&]*pass[^=&]*=./is.test(uri);
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
