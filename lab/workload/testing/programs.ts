import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { ClientEvent } from '../../history/events.ts';

const programs = new URL('../', import.meta.url);

/** A program of the workload (or another one) that runs, with what it said so far. */
export class Running implements AsyncDisposable {
  readonly lines: string[] = [];
  stderr = '';
  readonly exited: Promise<number | string | null>;
  readonly #child: ChildProcess;
  readonly #onLine = new Set<() => void>();
  #closed = false;

  constructor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [command = '', ...rest] = argv;
    this.#child = spawn(command, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = once(this.#child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | string | null,
    );
    let rest0 = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest0 + text).split('\n');
      rest0 = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#tell();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    void this.exited.then(() => {
      this.#closed = true;
      this.#tell();
    });
  }

  /** It ended, and everything it said is here. */
  get ended(): boolean {
    return this.#closed;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when SIGSTOP has taken effect (proc(5), state T). */
  async stopped(): Promise<void> {
    const state = async () => (await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')).split(') ')[1]?.[0];
    while ((await state()) !== 'T') await new Promise(setImmediate);
  }

  /** Resolves when what it said fits; rejects when it ended first. */
  async until(fits: (running: this) => boolean): Promise<void> {
    while (!fits(this)) {
      if (this.ended) throw new Error(`it ended first, and said: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#onLine.add(resolve);
        void this.exited.then(() => resolve());
      });
    }
  }

  /** The lines as events of a client. */
  get events(): ClientEvent[] {
    return this.lines.map((line) => JSON.parse(line) as ClientEvent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  #tell(): void {
    for (const resolve of this.#onLine) resolve();
    this.#onLine.clear();
  }
}

/** Runs `lab/workload/<name>.ts`. */
export function start(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  return new Running([process.execPath, fileURLToPath(new URL(`${name}.ts`, programs)), ...args], env);
}

/** A port of the loopback address that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The project's own storage node, with both areas in `dir`; resolves when it listens. */
export async function startGate(dir: string, port: number, ...flags: string[]): Promise<Running> {
  const gate = arbiter([
    ...['storage', '--listen', `127.0.0.1:${port}`, '--state', join(dir, 'gate-state')],
    ...['--quorum', join(dir, 'quorum.img'), '--create-quorum', '65536'],
    ...['--data', join(dir, 'data.img'), '--create-data', '1048576', ...flags],
  ]);
  await gate.until((it) => it.lines.length > 0);
  return gate;
}

export function arbiter(args: readonly string[]): Running {
  return new Running([
    process.execPath,
    fileURLToPath(new URL('../../src/commands/main.ts', programs)),
    ...args,
  ]);
}

/** nbdkit over a file, under one export name alone; resolves when it listens on `socket`. */
export async function startNbdkit(socket: string, file: string, exportName: string): Promise<Running> {
  const filter = ['--filter=exportname', `exportname=${exportName}`, 'exportname-strict=true'];
  await rm(socket, { force: true });
  const nbdkit = new Running(['nbdkit', '-f', '-U', socket, filter[0]!, 'file', file, ...filter.slice(1)]);
  const uri = `nbd+unix:///${encodeURIComponent(exportName)}?socket=${socket}`;
  while (!nbdkit.ended) {
    const { exitCode } = await execa('nbdinfo', ['--size', uri], { reject: false });
    if (exitCode === 0) return nbdkit;
  }
  throw new Error(`nbdkit ended: ${nbdkit.stderr}`);
}

export async function haveNbdkit(): Promise<boolean> {
  const found = await Promise.all(
    ['nbdkit', 'nbdinfo'].map((program) => execa(program, ['--version'], { reject: false })),
  );
  return found.every(({ exitCode }) => exitCode === 0);
}
