import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { MemberEnd, WorldLine } from '../engine.ts';
import { formatOwner, ownerOf } from '../owner.ts';
import { parseWorldLine } from '../json-line.ts';
import { programs } from '../programs.ts';
import { followFile, type Follower } from './follow-file.ts';
import { isRunning, MARK, OWNER } from './marked-processes.ts';

export interface MemberSpec {
  name: string;
  mark: string;
  /** Where its standard output is kept while the lab lives. */
  directory: string;
  onLine(line: WorldLine): void;
  onEnd(end: MemberEnd): void;
}

const nodeOptions = ['--disable-warning=ExperimentalWarning', `--import=${programs.keepCompiled}`];

type Exit = Pick<MemberEnd, 'code' | 'signal'>;

/**
 * One member of the lab (a server, the storage node, the client): a program that can be started again and again. Its
 * standard output is a file, so that a frozen or slow lab never makes it wait, and what it said last is kept when it is killed.
 */
export class Member {
  readonly #spec: MemberSpec;
  readonly #path: string;
  #follower: Follower | undefined;
  #child: ChildProcess | undefined;
  #endWanted = false;
  #exited: Promise<Exit> = Promise.resolve({ code: 0, signal: null });

  constructor(spec: MemberSpec) {
    this.#spec = spec;
    this.#path = join(spec.directory, `${spec.name}.stdout`);
  }

  async start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    const out = openSync(this.#path, 'a');
    this.#follower ??= await followFile(this.#path, (text) => {
      if (text !== '') this.#spec.onLine(parseWorldLine(this.#spec.name, text));
    });
    await this.#follower.breakLine();
    this.#endWanted = false;
    const child = spawn(process.execPath, [...nodeOptions, ...argv], {
      // A session of its own: an interrupt on the terminal is the lab's to handle, not the members'.
      detached: true,
      stdio: ['ignore', out, 'pipe'],
      cwd: this.#spec.directory,
      env: { ...process.env, ...env, [MARK]: this.#spec.mark, [OWNER]: formatOwner(ownerOf(process.pid)) },
    });
    closeSync(out);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line !== '') this.#spec.onLine({ from: 'noise', who: this.#spec.name, text: line });
      }
    });
    const exit = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    this.#exited = exit.then((how) => this.#tellEnd(how));
    this.#child = child;
  }

  /** Its end is asked for from here on; unless it has come already, which then was nobody's wish. */
  wantEnd(): void {
    if (this.pid !== undefined && isRunning(this.pid)) this.#endWanted = true;
  }

  /** Undefined once it has ended: the number may be another process's by then. */
  get pid(): number | undefined {
    const child = this.#child;
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  /** Resolves when it is gone, its last line delivered, and its end told. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /** Delivers what was written until now. */
  async drain(): Promise<void> {
    await this.#follower?.drain();
  }

  async close(): Promise<void> {
    await this.#follower?.close();
    this.#child?.stderr?.destroy();
    this.#follower = undefined;
  }

  async #tellEnd(how: Exit): Promise<Exit> {
    await this.drain();
    this.#spec.onEnd({ member: this.#spec.name, ...how, wanted: this.#endWanted });
    return how;
  }
}
