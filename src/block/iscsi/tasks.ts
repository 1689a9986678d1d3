import { OutcomeUnknown, RequestFailed } from '../../ports/block-device.ts';
import type { Lun } from '../../wire/iscsi/header-fields.ts';
import type { Command } from '../../wire/iscsi/requests.ts';
import type { SessionParameters } from '../../wire/iscsi/session-parameters.ts';
import { SpareMemory } from '../spare-memory.ts';

/** A command somebody waits for, or a task management request. */
export interface Task {
  /** For messages. */
  what: string;
  /** Undefined for a task management request. */
  command: Command | undefined;
  /** Undefined until it is sent. */
  tag?: number;
  /** The copy of what it writes, if there had to be one. */
  kept?: Uint8Array;
  /** What had been received on this connection when it was sent, in chunks. */
  receivedBefore: number;
  deadlineMs: number;
  /** Of `performance.now()`. */
  untilMs: number;
  /** With what answers it: a `CommandAnswer`, or the number of a response. */
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

/** What a session has under way: sent, by tag, and waiting for room in the target's command window, in order. */
export class Tasks {
  /** For what has to wait until the target asks for it. */
  readonly memory = new SpareMemory();
  readonly #sent = new Map<number, Task>();
  readonly #queued = new Set<Task>();

  /** Sent, not answered, and not given up. */
  get inFlight(): number {
    return this.#sent.size;
  }

  /** The first one that waits to be sent. */
  get next(): Task | undefined {
    return this.#queued.values().next().value;
  }

  queue(task: Task): void {
    this.#queued.add(task);
  }

  sent(tag: number, task: Task): void {
    this.#queued.delete(task);
    task.tag = tag;
    this.#sent.set(tag, task);
  }

  /** Takes out what was answered, and so is of no use to the target any more; undefined when its user gave it up earlier and its answer is late. */
  settle(tag: number): Task | undefined {
    const task = this.#sent.get(tag);
    this.#sent.delete(tag);
    if (task?.kept !== undefined) this.memory.giveBack(task.kept);
    return task;
  }

  /** Takes out what should have been answered by now. `nextMs`: the earliest deadline of the others. */
  takeDue(nowMs: number): { due: readonly Task[]; nextMs: number } {
    const due: Task[] = [];
    let nextMs = Infinity;
    for (const task of [...this.#sent.values(), ...this.#queued]) {
      if (task.untilMs <= nowMs) due.push(task);
      else nextMs = Math.min(nextMs, task.untilMs);
    }
    for (const task of due) if (!this.#queued.delete(task)) this.#sent.delete(task.tag!);
    return { due, nextMs };
  }

  tagsOf(lun: Lun): readonly number[] {
    return [...this.#sent].filter(([, { command }]) => command?.lun === lun).map(([tag]) => tag);
  }

  takeQueued(): readonly Task[] {
    const taken = [...this.#queued];
    this.#queued.clear();
    return taken;
  }

  takeSent(): readonly Task[] {
    const taken = [...this.#sent.values()];
    this.#sent.clear();
    return taken;
  }
}

/** Whether the target may still ask for data of this write, which goes when it is asked for (RFC 7143, section 4.2.5.2). */
export function isAwaited({ tag, command }: Task, session: SessionParameters): boolean {
  const { firstBurstBytes, maxSendSegmentBytes, initialR2T, immediateData } = session;
  const immediateBytes = immediateData ? Math.min(firstBurstBytes, maxSendSegmentBytes) : 0;
  const unaskedBytes = initialR2T ? immediateBytes : firstBurstBytes;
  return tag !== undefined && (command?.dataOut?.length ?? 0) > unaskedBytes;
}

/** It has no effect, and never will. */
export function notSent(name: string, { what }: Task, why: string, code: string): RequestFailed {
  return new RequestFailed(`${name}: ${what} was not sent: ${why}`, code, { effect: 'none' });
}

/** It may have had its effect, and may still have it. `why` begins with how it is joined to the words before it. */
export function noAnswer(name: string, { what }: Task, why: string): OutcomeUnknown {
  return new OutcomeUnknown(`${name}: ${what} was not answered${why.startsWith(':') ? '' : ' '}${why}`);
}
