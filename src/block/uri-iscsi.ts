import { ISCSI_DEFAULT_PORT } from '../wire/iscsi/constants.ts';
import type { DigestWish } from '../wire/iscsi/options.ts';
import { MAXIMUM_LUN } from '../wire/scsi/lun.ts';
import { Secret } from './secret.ts';
import { decode, formatHostAndPort, hostAndPort, type Parts, queryOf, unusable } from './uri-parts.ts';

/** A logical unit of an iSCSI target, and how it is logged in to. */
export interface IscsiAddress {
  host: string;
  port: number;
  /** The target's name (RFC 7143, section 4.2.7). */
  target: string;
  lun: number;
  /** Who this is to CHAP; without it whom the environment names, or nobody. */
  user?: string;
  /** At most one of the two: what the URI says itself, or the file that says it, read when a session is opened. */
  secret?: Secret;
  secretFile?: string;
  /** Who the target has to prove to be. */
  targetUser?: string;
  targetSecretFile?: string;
  headerDigest: DigestWish;
  dataDigest: DigestWish;
  /** The name a target knows this server by; without it one is made of the server's own. */
  initiatorName?: string;
}

const form = 'iscsi://[USER@]HOST[:PORT]/TARGET/LUN';
const cutSecret =
  'a secret and no @HOST behind it; one with /, ? or # in it is for a file, chap-secret-file=PATH';
const digests: readonly string[] = ['none', 'crc32c', 'prefer'] satisfies DigestWish[];
const parameters = [
  'chap-secret-file',
  'target-user',
  'target-secret-file',
  'header-digest',
  'data-digest',
  'initiator-name',
];

/** RFC 7143, section 4.2.7.1. */
const nameBytes = 223;

/** RFC 7143, section 4.2.7.2: iqn, eui (EUI-64) and naa. */
const iscsiName =
  /^(?:iqn\.[0-9]{4}-[0-9]{2}\.[a-z0-9]+(?:[.-][a-z0-9]+)*(?::.+)?|eui\.[0-9A-F]{16}|naa\.(?:[0-9A-F]{16}){1,2})$/i;

/**
 * The URI libiscsi's programs take, `iscsi://[user[%secret]@]host[:port]/target/lun`, with the other settings of a login in
 * its query, in kebab case. A secret is taken as it stands, up to the last `@`: its bytes are not percent-encoded.
 * Throws `DeviceUnusable`.
 */
export function parseIscsiUri(parts: Parts): IscsiAddress {
  const { authority = '' } = parts;
  const at = authority.lastIndexOf('@');
  // Before anything else is read: whatever follows may be a piece of the secret, and pieces are shown in messages.
  if (at < 0 && /^[^[]*%/.test(authority)) throw unusable(parts.uri, cutSecret);
  const query = queryOf(parts, parameters, unknownParameter);
  const where = hostAndPort(parts, authority.slice(at + 1), ISCSI_DEFAULT_PORT, form);
  return {
    ...where,
    ...targetAndLun(parts),
    ...account(parts, at < 0 ? '' : authority.slice(0, at), query),
    headerDigest: digest(parts, query, 'header-digest'),
    dataDigest: digest(parts, query, 'data-digest'),
    ...named(parts, query),
  };
}

/** For messages. No secret is in it, nor where one is kept. */
export function formatIscsiUri({ user, target, lun, ...where }: IscsiAddress): string {
  const who = user === undefined ? '' : `${user}@`;
  return `iscsi://${who}${formatHostAndPort(where, ISCSI_DEFAULT_PORT)}/${encodeURI(target)}/${lun}`;
}

function targetAndLun(parts: Parts): { target: string; lun: number } {
  const match = /^\/(?<target>.+)\/(?<lun>[0-9]+)$/.exec(parts.path);
  if (match === null) throw unusable(parts.uri, `needs a target and the number of a unit as in ${form}`);
  const target = decode(parts, match.groups!['target']!, 'target');
  requireName(parts, target, 'target');
  const lun = Number(match.groups!['lun']);
  if (lun > MAXIMUM_LUN) throw unusable(parts.uri, `a unit's number is at most ${MAXIMUM_LUN}`);
  return { target, lun };
}

function requireName(parts: Parts, name: string, what: string): void {
  if (!iscsiName.test(name)) {
    throw unusable(
      parts.uri,
      `'${name}' is no name of an iSCSI ${what}, as iqn.2026-11.example.storage:disk`,
    );
  }
  const length = Buffer.byteLength(name);
  if (length > nameBytes) {
    throw unusable(parts.uri, `a name of iSCSI has at most ${nameBytes} bytes, this one ${length}`);
  }
}

type Account = Pick<IscsiAddress, 'user' | 'secret' | 'secretFile' | 'targetUser' | 'targetSecretFile'>;

function account(parts: Parts, given: string, query: ReadonlyMap<string, string>): Account {
  const percent = given.indexOf('%');
  const user = percent < 0 ? given : given.slice(0, percent);
  const secret = percent < 0 ? undefined : new Secret(given.slice(percent + 1));
  const secretFile = fileIn(parts, query, 'chap-secret-file');
  const targetUser = query.get('target-user');
  const targetSecretFile = fileIn(parts, query, 'target-secret-file');
  if (user.includes(':'))
    throw unusable(parts.uri, 'no password in a URI; chap-secret-file=PATH names its file');
  if (secret !== undefined && user === '') throw unusable(parts.uri, 'a secret without a user');
  if (secret !== undefined && secretFile !== undefined) {
    throw unusable(parts.uri, 'a secret in the URI and chap-secret-file: one of the two');
  }
  if (targetUser === '') throw unusable(parts.uri, 'target-user is empty');
  if (targetSecretFile !== undefined && targetUser === undefined) {
    throw unusable(parts.uri, 'target-secret-file goes with target-user');
  }
  return {
    ...(user === '' ? {} : { user }),
    ...(secret === undefined ? {} : { secret }),
    ...(secretFile === undefined ? {} : { secretFile }),
    ...(targetUser === undefined ? {} : { targetUser }),
    ...(targetSecretFile === undefined ? {} : { targetSecretFile }),
  };
}

function fileIn(parts: Parts, query: ReadonlyMap<string, string>, name: string): string | undefined {
  const path = query.get(name);
  if (path === '' || path?.includes('\0') === true) throw unusable(parts.uri, `${name} needs a path`);
  return path;
}

function digest(parts: Parts, query: ReadonlyMap<string, string>, name: string): DigestWish {
  const value = query.get(name) ?? 'none';
  if (!digests.includes(value)) throw unusable(parts.uri, `${name} is one of ${digests.join(', ')}`);
  return value as DigestWish;
}

function named(parts: Parts, query: ReadonlyMap<string, string>): Pick<IscsiAddress, 'initiatorName'> {
  const initiatorName = query.get('initiator-name');
  if (initiatorName === undefined) return {};
  requireName(parts, initiatorName, 'initiator');
  return { initiatorName };
}

/** A secret with a `?` in it ends up as a parameter too, so that no name is shown. */
function unknownParameter(name: string): string {
  return /pass|secret/i.test(name)
    ? 'no secret stands in the query; chap-secret-file=PATH and target-secret-file=PATH name the files'
    : `unknown parameter in the query; known are ${parameters.join(', ')}`;
}
