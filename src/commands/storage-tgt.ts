import type { Command } from 'commander';
import type { ListenAddress } from '../storage/listen.ts';
import type { TgtStorageOptions } from '../storage/tgt/start.ts';
import { CommandError, EXIT } from './errors.ts';
import type { TlsFlags } from './storage-tls.ts';

export interface ChapFlags {
  chapUser?: string;
  chapSecretFile?: string;
}

export function withChapOptions(command: Command): Command {
  return command
    .option('--chap-user <name>', 'with --backend tgt: who has to log in by CHAP; without it everybody may')
    .option('--chap-secret-file <file>', 'with --backend tgt: the secret of that user, one line');
}

/** Throws CommandError, with the option's name, for what another backend is meant by. */
export function refuseChapOptions(backend: string, flags: ChapFlags): void {
  const given =
    flags.chapUser !== undefined
      ? '--chap-user'
      : flags.chapSecretFile !== undefined
        ? '--chap-secret-file'
        : undefined;
  if (given !== undefined)
    throw usage(
      `${given} is for --backend tgt; NBD (--backend ${backend}) has TLS: --tls-psk, --tls-certificates`,
    );
}

/** What `--backend tgt` takes of the options beside the common ones. Throws CommandError, with the option's name. */
export function tgtOptionsOf(
  flags: ChapFlags & TlsFlags,
  listen: readonly ListenAddress[],
): Pick<TgtStorageOptions, 'chap'> {
  const tls = (['tls', 'tlsCertificates', 'tlsPsk'] as const).find((name) => flags[name] !== undefined);
  if (tls !== undefined) {
    const option = tls.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw usage(
      `--${option} is for --backend file and nbdkit; iSCSI (--backend tgt) has CHAP: --chap-user, --chap-secret-file`,
    );
  }
  if (listen.some(({ kind }) => kind === 'unix')) {
    throw usage('--listen unix:/PATH is for --backend file and nbdkit; iSCSI (--backend tgt) goes over TCP');
  }
  const { chapUser: user, chapSecretFile: secretFile } = flags;
  if (user === undefined && secretFile === undefined) return {};
  if (secretFile === undefined) throw usage('--chap-user needs --chap-secret-file FILE');
  if (user === undefined) throw usage('--chap-secret-file needs --chap-user NAME');
  return { chap: { user, secretFile } };
}

function usage(text: string): CommandError {
  return new CommandError(`storage: ${text}`, EXIT.usage);
}
