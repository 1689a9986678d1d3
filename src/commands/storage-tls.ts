import { type Command, InvalidArgumentError } from 'commander';
import type { GateTlsOptions } from '../storage/tls.ts';
import { CommandError, EXIT } from './errors.ts';

/** Named as nbdkit(1) names them. */
export interface TlsFlags {
  tls?: 'off' | 'on' | 'require';
  tlsCertificates?: string;
  tlsPsk?: string;
}

export function withTlsOptions(command: Command): Command {
  return command
    .option(
      '--tls <mode>',
      'off, on (clients may use it) or require (the default with either of these)',
      mode,
    )
    .option(
      '--tls-certificates <dir>',
      'server-cert.pem, server-key.pem, and ca-cert.pem to let in its clients alone',
    )
    .option('--tls-psk <file>', 'pre-shared keys, a line each: NODE:KEY, the key in hexadecimal');
}

/**
 * Undefined: no TLS. Unlike nbdkit's, a gate with certificates or keys requires TLS unless told otherwise: whoever
 * brings them does not mean them to be optional. Throws CommandError.
 */
export function tlsOptionsOf({ tls, tlsCertificates, tlsPsk }: TlsFlags): GateTlsOptions | undefined {
  if (tlsCertificates !== undefined && tlsPsk !== undefined) {
    throw usage('--tls-certificates and --tls-psk exclude each other');
  }
  if (tlsCertificates === undefined && tlsPsk === undefined) {
    if (tls === undefined || tls === 'off') return undefined;
    throw usage(`--tls ${tls} needs --tls-certificates DIR or --tls-psk FILE`);
  }
  if (tls === 'off') return undefined;
  const mode = tls ?? 'require';
  return tlsPsk === undefined ? { mode, certificates: tlsCertificates! } : { mode, pskFile: tlsPsk };
}

function mode(text: string): 'off' | 'on' | 'require' {
  if (text === 'off' || text === 'on' || text === 'require') return text;
  throw new InvalidArgumentError('It must be off, on or require.');
}

function usage(text: string): CommandError {
  return new CommandError(`storage: ${text}`, EXIT.usage);
}
