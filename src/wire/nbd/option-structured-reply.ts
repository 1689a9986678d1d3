import { NBD_OPT, NBD_REP, NBD_REP_ERR, NBD_REP_ERROR_BIT } from './constants.ts';
import { encodeOption } from './option.ts';
import { type Broken, broken } from './outcome.ts';

/** NBD_OPT_STRUCTURED_REPLY: the client would have reads answered in chunks. */
export function optionStructuredReply(): Uint8Array {
  return encodeOption(NBD_OPT.STRUCTURED_REPLY);
}

/**
 * The one reply to it: true when it was agreed to. A server that refuses is one without, whatever its reason; only one
 * that is going down is to be left ("If the client receives NBD_REP_ERR_SHUTDOWN it MUST initiate a soft disconnect").
 */
export function readStructuredReplyAnswer(type: number, data: Uint8Array): boolean | 'leave' | Broken {
  if (type === NBD_REP_ERR.SHUTDOWN) return 'leave';
  if (type >= NBD_REP_ERROR_BIT) return false;
  if (type === NBD_REP.ACK && data.length === 0) return true;
  const what = type === NBD_REP.ACK ? `an acknowledgement with ${data.length} bytes of data` : `type ${type}`;
  return broken('unexpected-option-reply', `an option reply to NBD_OPT_STRUCTURED_REPLY: ${what}`);
}
