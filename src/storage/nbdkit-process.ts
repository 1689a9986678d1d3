import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { fstatSync, statSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { NbdClient } from '../wire/nbd/client.ts';
import { nbdErrorName, nbdRefusalName } from '../wire/nbd/constants.ts';
import type { ExportInfo } from '../wire/nbd/export-info.ts';
import type { Outcome } from '../wire/nbd/outcome.ts';
import { type Command, describeCommand } from '../wire/nbd/request.ts';
import { OutcomeLost } from './disk.ts';
import type { ImageFile } from './image-file.ts';

/** A start takes milliseconds; one that takes so long will not come to an end. */
const START_WITHIN_MS = 10_000;
/** How much of its last words is kept. */
const MOST_WORDS = 2048;

/** How a process ended. It was reaped: nothing that it was told can still be written. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why, where it is known: what this side saw, or the process's last words; '' otherwise. */
  why: string;
}

interface NbdkitOptions {
  readOnly: boolean;
  /** `nbdkit`, or what is called in its place. */
  program: string;
  /** Called when it has been reaped, before anybody who waits for an answer of it learns that. */
  onEnded(ending: Ending): void;
}

interface Pending {
  command: Command;
  resolve(payload: Uint8Array): void;
  reject(error: Error): void;
}

/**
 * One stock nbdkit in front of one file, for this process alone. They talk over a pair of Unix sockets (`nbdkit -s`)
 * that has no name, so nobody can get past the gate, nothing has to be awaited or cleared away, and the end of the gate
 * is its end too. It inherits the descriptor that the lock on the file was taken with: while it lives, even in a system
 * call that does not return, the lock is held, and the next gate knows.
 */
export class NbdkitProcess {
  /** Undefined when there is no such program. */
  readonly pid: number | undefined;
  /** Resolves when requests can be made. Rejects with one line when that will not come. */
  readonly ready: Promise<void>;
  /** Resolves when it has been reaped and everything it said was heard. */
  readonly ended: Promise<Ending>;
  readonly #file: ImageFile;
  readonly #onEnded: (ending: Ending) => void;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #wire = new NbdClient('');
  readonly #pending = new Map<number, Pending>();
  readonly #becomeReady: { resolve(): void; reject(error: Error): void };
  #why = '';
  #words = '';

  constructor(file: ImageFile, { readOnly, program, onEnded }: NbdkitOptions) {
    this.#file = file;
    this.#onEnded = onEnded;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.ready.catch(() => undefined); // whoever waits is told; there may be nobody
    this.#becomeReady = { resolve, reject };
    const argv = ['--single', '--exit-with-parent', '--log=stderr', ...(readOnly ? ['--readonly'] : [])];
    // Nothing of a structured reply is of use here, and nbdkit sends one in three pieces.
    argv.push('--no-sr');
    this.#child = spawn(program, [...argv, 'file', `file=${file.path}`], {
      // A session of its own: an interrupt at the terminal is the gate's to handle.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', file.fd],
    }) as ChildProcessByStdio<Writable, Readable, Readable>;
    this.pid = this.#child.pid;
    this.ended = this.#listen();
    const giveUp = (): void => void this.kill(`it did not serve within ${START_WITHIN_MS} ms`);
    const late = setTimeout(giveUp, START_WITHIN_MS);
    const settled = (): void => clearTimeout(late);
    this.ready.then(settled, settled);
  }

  /**
   * One request, issued once. Resolves with the payload of a read. Rejects with the protocol's error as `code`, or with
   * OutcomeLost when the process was reaped without having answered.
   */
  request(command: Command): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#wire.status !== 'ready') return reject(this.#lost(command));
      const { cookie, bytes } = this.#wire.issue(command);
      this.#pending.set(cookie, { command, resolve, reject });
      this.#say(bytes);
    });
  }

  /** Requests of one turn of the event loop leave together. */
  #say(bytes: Uint8Array): void {
    const { stdin } = this.#child;
    if (stdin.writableCorked === 0) {
      stdin.cork();
      process.nextTick(() => stdin.uncork());
    }
    stdin.write(bytes);
  }

  /** Ends it now, whatever it is doing. Resolves, as `ended` does, when it was reaped. */
  kill(why: string): Promise<Ending> {
    this.#why ||= why;
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  /** Lets it finish what it was told and leave. */
  leave(): Promise<Ending> {
    if (this.#wire.status !== 'ready') return this.kill('it was not needed any more');
    this.#why ||= 'it was asked to leave';
    this.#child.stdin.end(this.#wire.disconnect());
    return this.ended;
  }

  #listen(): Promise<Ending> {
    const { stdin, stdout, stderr } = this.#child;
    stdin.on('error', () => undefined); // EPIPE: its end tells more
    stdout.on('data', (chunk: Buffer) => this.#received(chunk));
    stdout.on('end', () => {
      // It said its last word without having been asked to leave: it is of no more use.
      if (this.#wire.status !== 'closed') this.#child.kill('SIGKILL');
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-MOST_WORDS);
    });
    this.#child.once('error', (error: NodeJS.ErrnoException) => {
      if (this.pid === undefined) this.#why ||= whyNotStarted(error);
    });
    return new Promise((resolve) => {
      // Not `exit`: answers that it gave before may still be on their way, and they count.
      this.#child.once('close', (code, signal) => {
        const ending = { code, signal, why: this.#why || lastLine(this.#words) };
        if (this.#wire.status === 'ready') this.#wire.disconnect();
        this.#onEnded(ending);
        this.#becomeReady.reject(new Error(ending.why || `it ended with ${code ?? signal}`));
        for (const { command, reject } of this.#pending.values()) reject(this.#lost(command));
        this.#pending.clear();
        resolve(ending);
      });
    });
  }

  #received(chunk: Buffer): void {
    for (const outcome of this.#wire.receive(chunk)) this.#take(outcome);
  }

  #take(outcome: Outcome): void {
    switch (outcome.kind) {
      case 'send':
        this.#child.stdin.write(outcome.bytes);
        return;
      case 'ready': {
        const fault = this.#faultOf(outcome.info);
        if (fault === undefined) this.#becomeReady.resolve();
        else void this.kill(fault);
        return;
      }
      case 'done':
        this.#settle(outcome.cookie).resolve(outcome.payload);
        return;
      case 'failed': {
        const { command, reject } = this.#settle(outcome.cookie);
        const code = nbdErrorName(outcome.error);
        reject(Object.assign(new Error(`${code}: nbdkit failed a ${describeCommand(command)}`), { code }));
        return;
      }
      case 'refused':
        void this.kill(`it refused with ${nbdRefusalName(outcome.type)} ${outcome.text}`.trimEnd());
        return;
      case 'broken':
        void this.kill(outcome.text);
        return;
      default:
        void this.kill(`it answered with '${outcome.kind}', which nobody asked for`);
    }
  }

  /** It opened the file by its name: what it serves must be what is locked. */
  #faultOf({ sizeBytes, canFlush }: ExportInfo): string | undefined {
    const { fd, path } = this.#file;
    const [locked, named] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
    if (named?.dev !== locked.dev || named.ino !== locked.ino) return `${path} is another file by now`;
    if (sizeBytes !== this.#file.sizeBytes) return `it serves ${sizeBytes} bytes of ${this.#file.sizeBytes}`;
    return canFlush ? undefined : 'it cannot flush';
  }

  #settle(cookie: number): Pending {
    const pending = this.#pending.get(cookie)!; // the wire knows no other cookies
    this.#pending.delete(cookie);
    return pending;
  }

  #lost(command: Command): OutcomeLost {
    return new OutcomeLost(
      `nbdkit (process ${this.pid}) ended without an answer to a ${describeCommand(command)}`,
    );
  }
}

function whyNotStarted(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return error.message;
  return "the program 'nbdkit' is missing; install the Debian package nbdkit";
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
