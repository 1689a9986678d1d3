/** What was begun on a storage and has to be undone before this program may end. */
export class Unfinished {
  readonly #open: (() => boolean)[] = [];

  /** `isOpen` is asked whenever somebody wants to leave. */
  watch(isOpen: () => boolean): void {
    this.#open.push(isOpen);
  }

  get any(): boolean {
    return this.#open.some((isOpen) => isOpen());
  }
}
