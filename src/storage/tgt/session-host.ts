import type { Interception } from '../rules.ts';
import type { Caller } from './caller.ts';
import type { Outcome, Task, TaskVerdict } from './task.ts';

/** A session, as those see it who decide about its commands. */
export interface SessionView {
  readonly id: number;
  readonly peer: string;
  /** Null until it has logged in, and for a session that only asks for names. */
  readonly caller: Caller | null;
}

/** Whom a session asks, and tells. */
export interface SessionHost {
  /** Where tgtd listens. */
  readonly upstreamPort: number;
  /** So many bytes from the beginning of the quorum area are looked at when they are written. */
  readonly quorumWatchedBytes: number;
  intercept(session: SessionView, task: Task): Interception | null;
  /** Whether `ask` has to be asked. */
  mustAsk(task: Task): boolean;
  /** What the tap answers in the target's place; undefined when the command goes on. */
  ask(session: SessionView, task: Task): Promise<TaskVerdict | undefined>;
  /** It will not go on after all: the session is over. */
  abandoned(task: Task): void;
  /** It goes on to the target now. */
  began(task: Task): void;
  /** It was answered. Where it takes time to put that on record, the answer waits; rejects when it must not go out. */
  completed(session: SessionView, task: Task, outcome: Outcome): void | Promise<void>;
  /** A LOGICAL UNIT RESET was done. Resolves when that is on record, with all that it has ended. */
  wasReset(session: SessionView, task: Task): Promise<void>;
  loggedIn(session: SessionView): void;
  loginRefused(session: SessionView, caller: Caller, status: string): void;
  /** Puts on record whatever waits for that. */
  flush(): void;
  /** The session is over, and `lost` gets no answer. */
  ended(session: SessionView, lost: readonly Task[], reason: string): void;
}
