import { encodeInitiatorHeader } from './initiator-pdu.ts';
import type { Lun } from './header-fields.ts';
import { sealed } from './pdu.ts';
import type { SessionParameters } from './session-parameters.ts';

/** One sequence of Data-Out: a burst that was asked for by the R2T with `targetTag`, or, with NO_TAG, what nobody asked for. */
export interface Burst {
  lun: Lun;
  tag: number;
  targetTag: number;
  expStatSN: number;
  offsetBytes: number;
  data: Uint8Array;
}

/** Adds the PDUs of a burst to `pieces`, each as long as the target takes them (RFC 7143, section 11.7). */
export function pushDataOut(pieces: Uint8Array[], burst: Burst, session: SessionParameters): void {
  const { lun, tag, targetTag, expStatSN, offsetBytes, data } = burst;
  const step = session.maxSendSegmentBytes;
  for (let at = 0, dataSN = 0; at < data.length; at += step, dataSN += 1) {
    const part = data.subarray(at, at + step);
    const header = encodeInitiatorHeader({
      kind: 'data-out',
      final: at + step >= data.length,
      lun,
      tag,
      targetTag,
      expStatSN,
      dataSN,
      offsetBytes: offsetBytes + at,
      data: part,
    });
    pieces.push(...sealed(header, part, session.digests));
  }
}
