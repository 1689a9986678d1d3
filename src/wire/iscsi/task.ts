import { CommandTask } from './command-task.ts';
import type { Lun } from './header-fields.ts';
import { NO_TAG } from './constants.ts';
import type { TextInput } from './text.ts';

/** Something the target owes an answer to. */
export type Task =
  | CommandTask
  | { kind: 'ping' | 'logout'; abandoned: boolean }
  /** `tag`: what an ABORT TASK is about. */
  | { kind: 'management'; abandoned: boolean; reach: 'task' | 'unit' | 'target'; lun: Lun; tag: number }
  /** `negotiation`: it was begun because the target asked for one. */
  | { kind: 'text'; abandoned: boolean; negotiation: boolean; input: TextInput; rounds: number };

/** How many tags are remembered of tasks that have no answer to come, in case one comes. */
const remembered = 1024;

/** The tasks of a session by their Initiator Task Tags, in the order in which they were begun. */
export class Tasks {
  readonly #open = new Map<number, Task>();
  readonly #ended = new Set<number>();
  #lastTag = 0;

  get size(): number {
    return this.#open.size;
  }

  /** Bytes that came in for tasks without a complete answer. */
  get heldBytes(): number {
    let held = 0;
    for (const task of this.#open.values()) {
      if (task.kind === 'command') held += task.heldBytes;
      else if (task.kind === 'text') held += task.input.heldBytes;
    }
    return held;
  }

  begin(task: Task): number {
    do this.#lastTag = (this.#lastTag + 1) >>> 0;
    while (this.#lastTag === NO_TAG || this.#open.has(this.#lastTag) || this.#ended.has(this.#lastTag));
    this.#open.set(this.#lastTag, task);
    return this.#lastTag;
  }

  get(tag: number): Task | undefined {
    return this.#open.get(tag);
  }

  /** Nobody waits for it any more. Of what it would read or write nothing is kept. */
  abandon(tag: number): void {
    const task = this.#open.get(tag);
    if (task instanceof CommandTask) task.abandon();
    else if (task !== undefined) task.abandoned = true;
  }

  /** Its answer was heard. */
  close(tag: number): void {
    this.#open.delete(tag);
  }

  /** No answer is to come; one that comes all the same is to a tag that `hasEnded`. */
  end(tag: number): void {
    if (!this.#open.delete(tag)) return;
    this.#ended.add(tag);
    if (this.#ended.size > remembered)
      for (const oldest of this.#ended.values().take(1)) this.#ended.delete(oldest);
  }

  hasEnded(tag: number): boolean {
    return this.#ended.has(tag);
  }

  /** The open commands with their tags: all, or those that were begun before the task with this tag. */
  *commandsBefore(tag?: number): Generator<[number, CommandTask]> {
    for (const [each, task] of this.#open) {
      if (each === tag) return;
      if (task instanceof CommandTask) yield [each, task];
    }
  }
}
