/** Of one device: beyond that a storage does not keep up, and more memory would not help it. */
const requestLimit = 4096;
/** Four of the largest requests there are. What a read asks for counts as what a write brings. */
const payloadLimitBytes = 128 * 1024 * 1024;

/** How many requests of a device wait for a connection or for their answer, and how much they hold; both are bounded. */
export class Backlog {
  #requests = 0;
  #payloadBytes = 0;

  /** Why there is no room for one more now; undefined when there is. */
  problem(payloadBytes: number): string | undefined {
    if (this.#requests >= requestLimit) return `${this.#requests} requests are under way already`;
    if (this.#requests === 0 || this.#payloadBytes + payloadBytes <= payloadLimitBytes) return undefined;
    return `requests with ${this.#payloadBytes} bytes are under way already`;
  }

  /** One more; it ends with `leave` of the same number, whatever becomes of it. */
  enter(payloadBytes: number): void {
    this.#requests += 1;
    this.#payloadBytes += payloadBytes;
  }

  leave(payloadBytes: number): void {
    this.#requests -= 1;
    this.#payloadBytes -= payloadBytes;
  }
}
