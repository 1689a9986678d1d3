import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A state directory that goes with the test. */
export function temporaryDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'arbiter-host-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A fifo that the processes of a service hold open: its lines are what they say, its end is the end of the last one. */
export class Witness {
  readonly fifo: string;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<void>;

  constructor(directory: string, name = 'witness') {
    this.fifo = join(directory, name);
    execFileSync('mkfifo', [this.fifo]);
    const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
    const input = new Socket({ fd: openSync(this.fifo, O_RDONLY | O_NONBLOCK), writable: false });
    input.unref();
    // Without any writer a fifo is at its end: this one holds the place until the service is up.
    const place = openSync(this.fifo, O_WRONLY);
    input.once('data', () => closeSync(place));
    const lines = createInterface({ input });
    this.ended = new Promise((resolve) => lines.once('close', () => resolve()));
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next thing a process of the service says. */
  async line(): Promise<string> {
    const { value, done } = (await this.#lines.next()) as { value: string; done: boolean };
    if (done) throw new Error('every process of the service has ended');
    return value;
  }

  /** A shell that holds the fifo at descriptor 9, says `up` and runs `script`. */
  service(script: string): readonly [string, ...string[]] {
    return ['sh', '-c', `exec 9>"$0"; echo up >&9; ${script}`, this.fifo];
  }
}

/** Waits for ever, whatever signal comes but SIGKILL. */
export const STUBBORN = `trap '' TERM INT HUP; while :; do sleep 1000; done`;
/** Waits for ever, and ends at the first SIGTERM. */
export const OBEDIENT = `exec sleep 1000`;

/** A program in a process of its own, given as the text of a module; what it prints is JSON, one line each. */
export function runModule(text: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    next: async (): Promise<Record<string, unknown>> =>
      JSON.parse(((await lines.next()) as { value: string }).value) as Record<string, unknown>,
  };
}
