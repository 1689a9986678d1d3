import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** How much of its last words is kept. */
const MOST_WORDS = 2048;
/** The shell's exit code for a program that is not there. */
const NO_SUCH_PROGRAM = 127;
/** tgtd is where only the superuser looks for programs. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/sbin:/sbin';

/** How a process ended. It was reaped: nothing that it was told can still be written. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why, where it is known: what this side saw, or the process's last words; '' otherwise. */
  why: string;
}

export interface TgtdOptions {
  /** `tgtd`, or what is called in its place: for tests. */
  program: string;
  /** Where its management socket and the lock of that are made. */
  dir: string;
  /** Descriptors that it inherits, locks and all, as 3, 4, ... */
  inherited: readonly number[];
}

/** The name of the management socket in its directory: what is told to tgtd, a dot, and the number after -C. */
export const MANAGEMENT_SOCKET = 'tgtd.1';

/**
 * One tgtd, for this process alone. It inherits the descriptors that the locks on its files were taken with: while it
 * lives, even in a system call that does not return, the locks are held, and the next storage process knows. It dies with
 * this process: the kernel kills it (setpriv --pdeathsig), and the shell in between sees to the instant before that was
 * arranged.
 *
 * It listens on loopback, at a port that the system chooses, so there is none that could be taken.
 */
export class TgtdProcess {
  /** Undefined when it could not be started at all. */
  readonly pid: number | undefined;
  /** Resolves when it has been reaped. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  #why = '';
  #words = '';
  #isOver = false;

  constructor({ program, dir, inherited }: TgtdOptions) {
    const started = [program, '-f', '-C', '1', '--iscsi', 'portal=127.0.0.1:0'];
    const unlessOrphaned = 'test "$PPID" = "$1" && shift && exec "$@"';
    const argv = ['--pdeathsig', 'KILL', 'sh', '-c', unlessOrphaned, 'sh', `${process.pid}`, ...started];
    this.#child = spawn('setpriv', argv, {
      cwd: dir,
      // A session of its own: an interrupt at the terminal is the storage process's to handle.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', ...inherited],
      env: { PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:${SYSTEM_PATH}`, TGT_IPC_SOCKET: 'tgtd' },
    }) as ChildProcessByStdio<null, null, Readable>;
    this.pid = this.#child.pid;
    this.ended = this.#listen(program);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends it now, whatever it is doing. Resolves, as `ended` does, when it was reaped. */
  kill(why: string): Promise<Ending> {
    this.#why ||= why;
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  #listen(program: string): Promise<Ending> {
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-MOST_WORDS);
    });
    this.#child.once('error', (error: NodeJS.ErrnoException) => {
      if (this.pid === undefined) this.#why ||= whyNotStarted(error);
    });
    return new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#isOver = true;
        if (code === NO_SUCH_PROGRAM) {
          this.#why ||= `the program '${program}' is missing; install the Debian package tgt`;
        }
        // Whoever was killed had said what it had to say before.
        resolve({ code, signal, why: this.#why || (signal === null ? lastLine(this.#words) : '') });
      });
    });
  }
}

function whyNotStarted(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return error.message;
  return "the program 'setpriv' is missing; install the Debian package util-linux";
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
