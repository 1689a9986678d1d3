import { NBD_OPT, NBD_REP, NBD_REP_ERROR_BIT } from './constants.ts';
import { encodeOption } from './option.ts';
import { type Broken, broken, type Outcome } from './outcome.ts';
import { serverText } from './server-text.ts';

/** NBD_OPT_STARTTLS, as the first option ("Client-side requirements"): no other one is sent in plain. */
export function optionStartTls(): Uint8Array {
  return encodeOption(NBD_OPT.STARTTLS);
}

/** A server that is not fixed newstyle knows one option, by which everything would go in plain. */
export function olderThanTls(): Broken {
  return broken('too-old-for-tls', 'an NBD server too old for TLS, and nothing goes there in plain');
}

/** The one reply to NBD_OPT_STARTTLS. Whatever is no acknowledgement ends the connection: there is no going on in plain. */
export function onStartTlsReply(type: number, data: Uint8Array): Outcome {
  if (type >= NBD_REP_ERROR_BIT) {
    return { kind: 'no-tls', type, text: serverText(data) };
  }
  if (type !== NBD_REP.ACK || data.length > 0) {
    const what = `an option reply of type ${type} with ${data.length} bytes of data to NBD_OPT_STARTTLS`;
    return broken('unexpected-option-reply', what);
  }
  return { kind: 'start-tls' };
}

/**
 * Bytes that came in plain behind the acknowledgement. A server waits for the client's part of the TLS handshake then,
 * so they are somebody else's, meant to be taken for the server's once TLS is up.
 */
export function injectedPlaintext(available: number): Broken | undefined {
  if (available === 0) return undefined;
  return broken(
    'plaintext-after-starttls',
    `${available} bytes in plain behind the acknowledgement of NBD_OPT_STARTTLS; somebody else may have put them there`,
  );
}
