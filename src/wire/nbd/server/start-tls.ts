import { NBD_OPT, NBD_REP, NBD_REP_ERR, nbdOptionName } from '../constants.ts';
import type { OptionHeader, OptionStep } from './option.ts';
import { optionError, optionReply } from './option-reply.ts';
import type { ServerOutcome } from './outcome.ts';

/** `off`: NOTLS; `on`: SELECTIVETLS with no export that is TLS-only; `require`: FORCEDTLS ("TLS support"). */
export type TlsMode = 'off' | 'on' | 'require';

/** What TLS has to say about an option, before its data is there; undefined leaves it to the option itself. */
export function onOptionUnderTls(
  header: OptionHeader,
  mode: TlsMode,
  secure: boolean,
): OptionStep | undefined {
  const { option } = header;
  if (mode === 'off') return undefined;
  if (option === NBD_OPT.STARTTLS) return onStartTls(header, secure);
  if (secure || mode === 'on' || option === NBD_OPT.ABORT) return undefined;
  // "as this request cannot error, it MUST terminate the session"
  if (option === NBD_OPT.EXPORT_NAME) return broken('an export is asked for without TLS, which is required');
  return refuse(header, NBD_REP_ERR.TLS_REQD, 'TLS is required here: NBD_OPT_STARTTLS comes first');
}

/** Bytes behind NBD_OPT_STARTTLS that were not sent through TLS: from a client that breaks the protocol, or not from it. */
export function injectedByClient(available: number): ServerOutcome | undefined {
  if (available === 0) return undefined;
  return { kind: 'broken', why: `${available} bytes in plain behind NBD_OPT_STARTTLS` };
}

function onStartTls(header: OptionHeader, secure: boolean): OptionStep {
  if (secure) return refuse(header, NBD_REP_ERR.INVALID, 'TLS is up already');
  if (header.length > 0) {
    return refuse(header, NBD_REP_ERR.INVALID, `${nbdOptionName(header.option)} has no data`);
  }
  return { kind: 'outcome', outcome: { kind: 'start-tls', bytes: optionReply(header.option, NBD_REP.ACK) } };
}

function refuse({ option, length }: OptionHeader, type: number, text: string): OptionStep {
  return { kind: 'skip', length, answer: optionError(option, type, text) };
}

function broken(why: string): OptionStep {
  return { kind: 'outcome', outcome: { kind: 'broken', why } };
}
