import { DeviceUnusable } from '../ports/block-device.ts';
import type { UnitPath } from './unit-path.ts';

/** What repair needs of whoever holds the unit. */
interface Repairable {
  /**
   * Opens the path with that number, and sees that it has access; undefined when it has none.
   * Rejects where nobody answers, and with DeviceUnusable where somebody has to do something about it.
   */
  open(index: number): Promise<UnitPath | undefined>;
  /** It has access, and takes part from now on. */
  joined(path: UnitPath): void;
  warn(text: string): void;
}

/**
 * Brings back the paths of a unit that is held over several: every `everyMs` one attempt at each that is lost. Says once what
 * was lost, and what is back. A unit whose last path is lost is lost, and is no affair of this.
 */
export class PathRepair {
  readonly #about: Repairable;
  readonly #working: Map<number, UnitPath>;
  readonly #count: number;
  readonly #timer: NodeJS.Timeout;
  /** Why a path cannot be had, said once. */
  readonly #unusable = new Map<number, string>();
  #isUnderWay = false;
  #isOver = false;

  /** `paths`: those that were opened, by their number; a number without one is a path that is lost already. */
  constructor(paths: ReadonlyMap<number, UnitPath>, count: number, everyMs: number, about: Repairable) {
    this.#about = about;
    this.#count = count;
    this.#working = new Map(paths);
    for (const [index, path] of paths) this.#watch(index, path);
    const missing = count - paths.size;
    if (missing > 0)
      about.warn(
        `data: ${missing} of ${count} paths cannot be opened, or ${missing === 1 ? 'does' : 'do'} not work`,
      );
    this.#timer = setInterval(() => void this.#repair(), everyMs);
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  #watch(index: number, path: UnitPath): void {
    path.onClosed((reason) => {
      if (this.#isOver) return;
      this.#working.delete(index);
      this.#about.warn(
        `data: a path was lost, ${this.#working.size} of ${this.#count} are left: ${path.name}: ${reason}`,
      );
    });
  }

  async #repair(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    for (let index = 0; index < this.#count && !this.#isOver; index += 1) {
      if (!this.#working.has(index)) await this.#bringBack(index);
    }
    this.#isUnderWay = false;
  }

  async #bringBack(index: number): Promise<void> {
    const path = await this.#about.open(index).catch((error: unknown) => this.#complain(index, error));
    if (path === undefined) return;
    if (this.#isOver || !path.usable) return void path.close();
    this.#unusable.delete(index);
    this.#working.set(index, path);
    this.#watch(index, path);
    this.#about.joined(path);
    this.#about.warn(`data: a path is back, ${this.#working.size} of ${this.#count}: ${path.name}`);
  }

  #complain(index: number, error: unknown): undefined {
    if (this.#isOver || !(error instanceof DeviceUnusable)) return;
    if (this.#unusable.get(index) === error.message) return;
    this.#unusable.set(index, error.message);
    this.#about.warn(`data: a path stays lost: ${error.message}`);
  }
}
