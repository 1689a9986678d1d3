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
  /** Commands to the LUN were ended without an answer. */
  | { kind: 'tasks-terminated' }
  | { kind: 'other'; event: number; vendorCode: number };
