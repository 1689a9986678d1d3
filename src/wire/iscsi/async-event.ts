import { ASYNC_EVENT } from './constants.ts';
import { senseOf } from './sense-segment.ts';
import type { TargetPdu } from './target-pdu.ts';

/** What a target says of its own accord (RFC 7143, section 11.9.1). Times are in seconds. */
export type AsyncEvent =
  /** Sense data about the unit, as a SCSI event. */
  | { kind: 'scsi'; sense: Uint8Array }
  /** The initiator is to log out within this time. */
  | { kind: 'logout-requested'; withinSeconds: number }
  /** This connection is about to be dropped, or all of them are; no new one before the first time is over. */
  | { kind: 'dropped'; whole: boolean; waitSeconds: number; retainSeconds: number }
  /** Parameters are to be negotiated anew within this time; that is begun without anybody's doing. */
  | { kind: 'negotiation-requested'; withinSeconds: number }
  /** The commands to the LUN that are open are ended without an answer. */
  | { kind: 'tasks-terminated' }
  | { kind: 'other'; event: number; vendorCode: number };

/** undefined when its data make no sense. */
export function readAsync(pdu: TargetPdu & { kind: 'async' }): AsyncEvent | undefined {
  const { event, vendorCode, parameters } = pdu;
  switch (event) {
    case ASYNC_EVENT.SCSI: {
      const sense = senseOf(pdu.data);
      return sense && { kind: 'scsi', sense };
    }
    case ASYNC_EVENT.LOGOUT_REQUESTED:
      return { kind: 'logout-requested', withinSeconds: parameters[2] };
    case ASYNC_EVENT.CONNECTION_DROPPED:
    case ASYNC_EVENT.SESSION_DROPPED: {
      const whole = event === ASYNC_EVENT.SESSION_DROPPED;
      return { kind: 'dropped', whole, waitSeconds: parameters[1], retainSeconds: parameters[2] };
    }
    case ASYNC_EVENT.NEGOTIATION_REQUESTED:
      return { kind: 'negotiation-requested', withinSeconds: parameters[2] };
    case ASYNC_EVENT.TASKS_TERMINATED:
      return { kind: 'tasks-terminated' };
    default:
      return { kind: 'other', event, vendorCode };
  }
}
