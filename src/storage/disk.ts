/** The bytes of one area, as the gate uses them. Every request is within its size: the wire has seen to that. */
export interface Disk {
  readonly sizeBytes: number;
  /** Fills `into`. Rejects with the system's error. */
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  /**
   * Resolves when the bytes can be read back by everybody; with `durably`, when they are on stable storage (forced
   * unit access). Rejects with the system's error: the bytes may then be there in part.
   */
  write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void>;
  /** Resolves when every write that was resolved before the call is on stable storage. */
  flush(): Promise<void>;
}

/** What keeps bytes: a file, or a server process in front of one. */
export interface Medium {
  readonly sizeBytes: number;
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  write(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  /** Makes everything durable that was written before the call. */
  sync(): Promise<void>;
}

/**
 * Whoever was to carry out a request is gone without an answer: it may have been carried out, in part too, and will not
 * be any more. To the client that is no error but an unknown outcome.
 */
export class OutcomeLost extends Error {
  override readonly name = 'OutcomeLost';
}

interface SyncedDiskOptions {
  /**
   * Requests that could show each other half done are carried out one after the other: no medium promises that a read
   * beside a write sees all of it or nothing, and a torn record reads as a damaged one.
   */
  whole?: boolean;
  /** After a sync that failed no durable write succeeds any more either; otherwise those go on that began after it. */
  refusesAfterFailure?: boolean;
  /** Told once, with the reason, when the first sync failed. */
  onSyncFailed?: (error: unknown) => void;
}

/**
 * A medium whose answers about durability can be believed. A system tells of a write-back that failed once (Linux: once
 * per open file, and it counts the lost pages as clean from then on), so the sync after it succeeds although earlier
 * writes are gone. Hence one sync at a time, whose failure is everybody's who waits for it and everybody's whose write
 * was under way meanwhile; and a flush, which speaks for all writes there ever were, fails from then on for good.
 */
export class SyncedDisk implements Disk {
  readonly #medium: Medium;
  readonly #options: SyncedDiskOptions;
  #last: Promise<unknown> = Promise.resolve();
  #syncing: Promise<void> | null = null;
  #syncNext: Promise<void> | null = null;
  #failures = 0;

  constructor(medium: Medium, options: SyncedDiskOptions = {}) {
    this.#medium = medium;
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#medium.sizeBytes;
  }

  read(offsetBytes: number, into: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#medium.read(offsetBytes, into));
  }

  async write(offsetBytes: number, bytes: Uint8Array, durably: boolean): Promise<void> {
    const failures = this.#failures;
    if (durably && failures > 0 && this.#options.refusesAfterFailure === true) throw lostBefore();
    await this.#inTurn(() => this.#medium.write(offsetBytes, bytes));
    if (!durably) return;
    await this.#synced();
    if (this.#failures !== failures) throw lostBefore();
  }

  async flush(): Promise<void> {
    if (this.#failures > 0) throw lostBefore();
    await this.#synced();
    if (this.#failures > 0) throw lostBefore();
  }

  /** One sync serves everybody who asked before it began; who asks while it runs gets the next one. */
  #synced(): Promise<void> {
    if (this.#syncNext !== null) return this.#syncNext;
    if (this.#syncing === null) return (this.#syncing = this.#sync());
    const next = (): Promise<void> => {
      this.#syncNext = null;
      return (this.#syncing = this.#sync());
    };
    return (this.#syncNext = this.#syncing.then(next, next));
  }

  async #sync(): Promise<void> {
    try {
      await this.#medium.sync();
    } catch (error) {
      // A medium that was lost has not said that anything failed; it asks again when it is back.
      if (!(error instanceof OutcomeLost) && this.#failures++ === 0) this.#options.onSyncFailed?.(error);
      throw error;
    } finally {
      this.#syncing = null;
    }
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    if (this.#options.whole !== true) return act();
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** An error of the protocol's own name: see `nbdErrorValue`. */
function lostBefore(): NodeJS.ErrnoException {
  const text = 'EIO: an earlier write could not be made durable and is lost';
  return Object.assign(new Error(text), { code: 'EIO' });
}
