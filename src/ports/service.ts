/** The service's process group, run by the guard: a separate small process that outlives a stuck or dead agent. */
export interface Service extends AsyncDisposable {
  /** Resolves with the process id once the command runs; rejects when it cannot. */
  start(env: Readonly<Record<string, string>>): Promise<number>;
  /** Resolves when every process of the group is gone; at once when none runs. */
  stop(how: 'grace' | 'now', byAtMs: number): Promise<void>;
  /** The service may live until then (monotonic milliseconds) and no longer. */
  extend(leaseEndsAtMs: number): void;
  /** Called when the service ended without `stop`. */
  onEnded(listener: (reason: string) => void): void;
  /** Process ids, for status and for the lab: the guard's, and the service's group leader when one runs. */
  readonly pids: { guard: number | undefined; service: number | undefined };
}
