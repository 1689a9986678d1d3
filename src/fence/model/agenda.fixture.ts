/** Something that may happen next. */
interface Happening {
  act(): void;
  /** What it happens to, while that is frozen, has to wait. */
  isReady(): boolean;
}

/**
 * Everything that is under way, in lanes: within a lane one thing comes after the other, as on a connection; which lane
 * moves next is for whoever runs it to say. So an answer may come late, a command later still, and a server sleep.
 */
export class Agenda {
  readonly #lanes = new Map<string, Happening[]>();

  add(lane: string, act: () => void, isReady: () => boolean = () => true): void {
    const waiting = this.#lanes.get(lane);
    const happening = { act, isReady };
    if (waiting === undefined) this.#lanes.set(lane, [happening]);
    else waiting.push(happening);
  }

  /** Lets one of the lanes that can move do so; `choice` says which. False when none can. */
  move(choice: number): boolean {
    const movable = [...this.#lanes].filter(([, [first]]) => first!.isReady());
    if (movable.length === 0) return false;
    const [lane, waiting] = movable[choice % movable.length]!;
    const { act } = waiting.shift()!;
    if (waiting.length === 0) this.#lanes.delete(lane);
    act();
    return true;
  }
}
