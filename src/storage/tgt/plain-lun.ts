import type { Digests, RawPdu } from '../../wire/iscsi/pdu.ts';
import { encodeLun } from '../../wire/scsi/lun.ts';
import { withHeader } from './harmless.ts';

const LUN_AT = 8;

/**
 * The same PDU, with its logical unit written as nearly every initiator writes it. A LUN can be written in several ways
 * (SAM-5, 4.7), and a LOGICAL UNIT RESET of tgtd ends, and waits for, those commands alone whose eight bytes are the very
 * same as its own (tgt, usr/target.c): what was written otherwise could still be carried out after its answer.
 */
export function withPlainLun(pdu: RawPdu, lun: number, digests: Digests): readonly Uint8Array[] {
  const plain = encodeLun(lun);
  if (plain.every((byte, index) => byte === pdu.header[LUN_AT + index])) return pdu.pieces;
  const header = pdu.header.slice();
  header.set(plain, LUN_AT);
  return withHeader(header, pdu, digests);
}
