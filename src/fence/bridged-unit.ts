/** What the bridge serves: a unit as long as access to it lasts. Offsets and lengths are multiples of `blockBytes`. */
export interface BridgedUnit {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** Of one request. */
  readonly maximumBytes: number;
  readonly readOnly: boolean;
  /**
   * Rejects, as the others do, with `RequestFailed` (known: the client is told) or with `OutcomeUnknown` (nobody may say
   * anything about it).
   */
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  /** `durably`: on stable storage when it resolves. */
  write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void>;
  /** Every write that was answered is on stable storage when it resolves. */
  flush(): Promise<void>;
}
