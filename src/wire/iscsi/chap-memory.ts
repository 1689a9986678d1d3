/** As many as there may be logins under way at once, and more. */
const kept = 256;

/**
 * The challenges that the sessions of this process sent last. A target that has one from one connection and sends it back
 * on another would be told its answer (RFC 7143, section 9.2.1).
 */
export class ChapMemory {
  readonly #challenges = new Set<string>();

  add(challenge: Uint8Array): void {
    this.#challenges.add(keyOf(challenge));
    if (this.#challenges.size > kept)
      for (const oldest of this.#challenges.values().take(1)) this.#challenges.delete(oldest);
  }

  has(challenge: Uint8Array): boolean {
    return this.#challenges.has(keyOf(challenge));
  }
}

function keyOf(challenge: Uint8Array): string {
  return Buffer.from(challenge).toString('base64');
}
