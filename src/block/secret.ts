/** A secret that shows itself to nobody who prints, inspects or serializes what it is in. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }
}
