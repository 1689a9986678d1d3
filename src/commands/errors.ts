/** Exit codes of `arbiter`. */
export const EXIT = {
  ok: 0,
  /** The program stopped for a reason of its own. */
  stopped: 1,
  /** Storage or machine: unreachable, unformatted, in use, read-only, too small, refused. */
  infrastructure: 3,
  /** Wrong arguments or configuration (sysexits.h: EX_USAGE). */
  usage: 64,
  interrupted: 130,
} as const;

/** Ends a command: `message` is told to the person who ran it, one line per problem, and `exitCode` to the shell. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export interface Failure {
  exitCode: number;
  /** For standard error, without the program's name. */
  lines: readonly string[];
}

/** Names of errors that are the storage's, wherever they were made (ports/block-device.ts). */
const STORAGE_ERRORS: ReadonlySet<string> = new Set(['DeviceUnusable', 'RequestFailed', 'OutcomeUnknown']);

/** What to tell and how to exit after `error`: the one place where errors become exit codes. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return internal(String(error));
  const lines = error.message.split('\n');
  const { exitCode, code, syscall } = error as { exitCode?: unknown; code?: unknown; syscall?: unknown };
  if (typeof code === 'string' && code.startsWith('commander.')) return usage(code, error.message, exitCode);
  if (typeof exitCode === 'number') return { exitCode, lines };
  if (STORAGE_ERRORS.has(error.name) || typeof syscall === 'string') {
    return { exitCode: EXIT.infrastructure, lines };
  }
  return internal(error.stack ?? error.message);
}

/** Asking for help or the version is no failure; `arbiter` alone is one, whose message is the help. */
function usage(code: string, message: string, exitCode: unknown): Failure {
  if (exitCode === 0) return { exitCode: EXIT.ok, lines: [] };
  return { exitCode: EXIT.usage, lines: code === 'commander.help' ? [] : usageLines(message) };
}

/** `error: unknown command 'x'\n(Did you mean y?)` in one line. */
function usageLines(message: string): string[] {
  return [message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')];
}

function internal(what: string): Failure {
  return { exitCode: EXIT.stopped, lines: [`internal error: ${what}`] };
}
