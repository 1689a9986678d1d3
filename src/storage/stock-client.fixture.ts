import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { dataName, owned, StorageDir, TestGate } from './gate.fixture.ts';
import type { StorageOptions } from './start.ts';

export type Transport = 'tcp' | 'unix';

/** What a program that ended by itself left: its exit code and everything it said. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** One of the stock NBD clients, on its way. */
export class StockClient implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  #said = '';
  #over = false;
  #onText: () => void = () => undefined;

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(program, args, { env: { ...process.env, ...env } });
    const heard = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#child[stream].setEncoding('utf8').on('data', (text: string) => {
        heard[stream] += text;
        this.#said += text;
        this.#onText();
      });
    }
    this.ended = once(this.#child, 'close').then(([code]) => {
      this.#over = true;
      return { code: code as number | null, ...heard };
    });
  }

  /** Types a line; resolves with what it says from then on, once that matches or the program ended. */
  async type(line: string, until: RegExp): Promise<string> {
    const before = this.#said.length;
    this.#child.stdin.write(`${line}\n`);
    while (!this.#over && !until.test(this.#said.slice(before)))
      await Promise.race([this.ended, new Promise<void>((resolve) => (this.#onText = resolve))]);
    return this.#said.slice(before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs a stock client to its end. */
export function stock(
  program: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Ended> {
  return new StockClient(program, args, env).ended;
}

/** The name of whom `ownedGate` lets in. */
export const OWNER = dataName('a', 5);

/** A gate over both transports, owned by node a with epoch 5. */
export class StockGate implements AsyncDisposable {
  readonly dir: StorageDir;
  readonly gate: TestGate;
  readonly #socket: string;

  private constructor(dir: StorageDir, gate: TestGate, socket: string) {
    this.dir = dir;
    this.gate = gate;
    this.#socket = socket;
  }

  static async start(dataBytes: number, options: Partial<StorageOptions> = {}): Promise<StockGate> {
    const dir = new StorageDir();
    truncateSync(dir.data, dataBytes);
    const path = join(dir.path, 'nbd.sock');
    const listen = [
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      { kind: 'unix', path },
    ] as const;
    const gate = await TestGate.start(dir, { listen, ...options });
    if (options.readOnly !== true) await gate.own(owned('a', 5));
    return new StockGate(dir, gate, path);
  }

  uri(transport: Transport, name: string): string {
    return transport === 'tcp' ? this.gate.uri(name) : `nbd+unix:///${name}?socket=${this.#socket}`;
  }

  file(name: string): string {
    return join(this.dir.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gate[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }
}
