import { readSecretFile } from '../../tls/files.ts';
import { TlsUnusable } from '../../tls/unusable.ts';
import type { InitiatorOptions } from '../../wire/iscsi/options.ts';
import type { IscsiAddress } from '../uri-iscsi.ts';

/** The environment libiscsi's programs read. */
type Environment = Readonly<Record<string, string | undefined>>;

/** An account cannot be used as it is: one line for people, without the secret. */
export class AccountUnusable extends Error {
  override readonly name = 'AccountUnusable';
}

type Chap = NonNullable<InitiatorOptions['chap']>;

/**
 * Who to be to CHAP, and who the target has to be: from the URI, from the files it names, and what is missing there from
 * LIBISCSI_CHAP_USERNAME, _PASSWORD, _TARGET_USERNAME and _TARGET_PASSWORD. Undefined when nobody names a user. Files
 * are read now, so that a changed secret counts from the next session on. Throws AccountUnusable.
 */
export function accountOf(address: IscsiAddress, environment: Environment): Chap | undefined {
  const user = address.user ?? environment['LIBISCSI_CHAP_USERNAME'];
  if (user === undefined || user === '') {
    if (address.secretFile === undefined && address.targetUser === undefined) return undefined;
    throw new AccountUnusable('CHAP needs a user: iscsi://USER@HOST or LIBISCSI_CHAP_USERNAME');
  }
  const secret =
    address.secret?.reveal() ?? secretOf(address.secretFile, environment['LIBISCSI_CHAP_PASSWORD']);
  if (secret === undefined) {
    throw new AccountUnusable(
      `no secret for the user '${user}': chap-secret-file=PATH in the query or LIBISCSI_CHAP_PASSWORD`,
    );
  }
  const target = targetOf(address, environment);
  if (target?.secret === secret) {
    throw new AccountUnusable('both sides have the same secret, and would prove nothing (RFC 7143, 9.2.1)');
  }
  return target === undefined ? { user, secret } : { user, secret, target };
}

function targetOf(address: IscsiAddress, environment: Environment): Chap['target'] {
  const user = address.targetUser ?? environment['LIBISCSI_CHAP_TARGET_USERNAME'];
  if (user === undefined || user === '') return undefined;
  const secret = secretOf(address.targetSecretFile, environment['LIBISCSI_CHAP_TARGET_PASSWORD']);
  if (secret !== undefined) return { user, secret };
  throw new AccountUnusable(
    `no secret for the target '${user}': target-secret-file=PATH in the query or LIBISCSI_CHAP_TARGET_PASSWORD`,
  );
}

function secretOf(path: string | undefined, said: string | undefined): string | undefined {
  if (path === undefined) return said === '' ? undefined : said;
  const secret = contentOf(path).replace(/\r?\n$/, '');
  if (secret === '') throw new AccountUnusable(`${path}: empty, and it is to hold a secret`);
  if (/[\r\n]/.test(secret)) throw new AccountUnusable(`${path}: more than one line; a secret is one`);
  return secret;
}

function contentOf(path: string): string {
  try {
    return readSecretFile(path);
  } catch (error) {
    if (error instanceof TlsUnusable) throw new AccountUnusable(error.message, { cause: error });
    throw error;
  }
}
