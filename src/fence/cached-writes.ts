/** Writes that may be in the cache of a unit and nowhere else: what a reset, or a loss of power, may take away. */
export class CachedWrites {
  /** Begun and not forced onto the medium by themselves. */
  #begun = 0;
  #ended = 0;
  /** Of those that ended, how many a flush covered. */
  #flushed = 0;
  /** Begun with a flush of their own after them, and not ended. */
  #underWay = 0;

  /** Whether there may be any now. */
  get any(): boolean {
    return this.#underWay > 0 || this.#begun > this.#flushed;
  }

  /** A write that leaves it to a later flush. */
  async during(write: Promise<void>): Promise<void> {
    this.#begun += 1;
    try {
      await write;
    } finally {
      this.#ended += 1;
    }
  }

  /** A write that is on the medium when it is answered, by a flush of its own. */
  async duringDurable(write: Promise<void>): Promise<void> {
    this.#underWay += 1;
    try {
      await write;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Covers the writes that were answered before it is sent. */
  async flushedBy(flush: () => Promise<void>): Promise<void> {
    const ended = this.#ended;
    await flush();
    this.#flushed = Math.max(this.#flushed, ended);
  }
}
