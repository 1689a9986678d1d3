/** Exit codes of `lab`: what a run came to, or why there was none. */
export const exitCodes = {
  valid: 0,
  violated: 1,
  unknown: 2,
  infrastructure: 3,
  usage: 64,
  interrupted: 130,
} as const;

/** The user asked for something that cannot be: one line that says what to do, exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The machine cannot do it (no engine, no disk space): one line, exit code 3. */
export class InfrastructureError extends Error {
  override readonly name = 'InfrastructureError';
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
