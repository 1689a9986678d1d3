/** A shared disk as the agent sees it. Every request has a deadline, and none is ever repeated below this line. */
export interface BlockDevice extends AsyncDisposable {
  /** For messages: the URI without secrets. */
  readonly name: string;
  readonly sizeBytes: number;
  /** The smallest unit that is written whole or not at all. */
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  /**
   * Reads past every cache of this machine. Rejects with `RequestFailed` (the storage said no) or with
   * `OutcomeUnknown` at the deadline or when the connection broke.
   */
  read(offsetBytes: number, lengthBytes: number, deadlineMs: number): Promise<Uint8Array>;
  /**
   * Resolves when the bytes are on stable storage (forced unit access). Rejects with `RequestFailed`, whose `effect` says
   * whether they may have landed all the same, or with `OutcomeUnknown`: they may still land, at any later time.
   */
  writeDurably(offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void>;
}

/**
 * The storage answered, and the answer was an error; the connection lives. Or the request was never sent: no connection
 * (ENOTCONN), its deadline passed before (ETIMEDOUT), too many are under way (EBUSY), or the device could not take it
 * (EINVAL, EPERM, ENOTSUP).
 */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  /** Symbolic, as the wire protocol names it: EIO, EPERM, ENOSPC, ESHUTDOWN, ... */
  readonly code: string;
  /**
   * Of a write. `none`: it was never sent, so it certainly has none and never will. `possible`: the storage answered with
   * an error, and an error says nothing about the bytes: a disk may have taken them, all or in part, before it failed
   * (EIO after the write, in the flush), and a layer behind it may still pass them on.
   */
  readonly effect: 'none' | 'possible';
  constructor(message: string, code: string, options: ErrorOptions & { effect?: 'none' } = {}) {
    super(message, options);
    this.code = code;
    this.effect = options.effect ?? 'possible';
  }
}

/** No answer in time, or the connection broke first: the request may have had, or may still have, its effect. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** The device cannot be used at all: unknown URI, refused export, too small, read-only. One line, for people. */
export class DeviceUnusable extends Error {
  override readonly name = 'DeviceUnusable';
  /** Set when the storage node's gate refused an export name and said which epoch it granted last. */
  readonly grantedEpoch: number | undefined;
  constructor(message: string, grantedEpoch?: number, options?: ErrorOptions) {
    super(message, options);
    this.grantedEpoch = grantedEpoch;
  }
}
