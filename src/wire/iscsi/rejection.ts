import { aPdu, BHS_BYTES, NO_TAG } from './constants.ts';
import { u32 } from './header-fields.ts';

/** Reasons of a Reject (RFC 7143, section 11.17.1). */
const reasons = new Map<number, string>([
  [0x02, 'data digest error'],
  [0x03, 'SNACK reject'],
  [0x04, 'protocol error'],
  [0x05, 'command not supported'],
  [0x06, 'too many immediate commands'],
  [0x07, 'task in progress'],
  [0x08, 'invalid data acknowledgement'],
  [0x09, 'invalid PDU field'],
  [0x0a, 'out of resources'],
  [0x0c, 'waiting for logout'],
]);

interface Rejection {
  opcode: number;
  tag: number;
  /** For texts: a SCSI Command, protocol error (0x04). */
  what: string;
  why: string;
}

/** What a Reject is about: `tag` is NO_TAG when its data do not tell. */
export function readReject(reason: number, data: Uint8Array): Rejection {
  const known = data.length >= BHS_BYTES;
  const opcode = known ? data[0]! & 0x3f : -1;
  const what = known ? aPdu(opcode) : 'a PDU that it does not name';
  const why = `${reasons.get(reason) ?? 'a reason nobody knows'} (0x${reason.toString(16).padStart(2, '0')})`;
  return { opcode, tag: known ? u32(data, 16) : NO_TAG, what, why };
}
