/** A trouble that shows again with every attempt is told once; when it was over in between, again. */
export class TellOnce {
  readonly #tell: (line: string) => void;
  #told = '';

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  trouble(line: string): void {
    if (line !== this.#told) this.#tell(line);
    this.#told = line;
  }

  over(): void {
    this.#told = '';
  }
}
