import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NetConnectOpts } from 'node:net';
import type { AuditLine } from '../ports/audit.ts';
import { AuditTrail, BACKEND, type StorageDir } from './gate.fixture.ts';

const program = fileURLToPath(new URL('../commands/main.ts', import.meta.url));

/** `arbiter storage` as a process of its own, with the audit that it writes. */
export class GateProcess implements AsyncDisposable {
  readonly audit = new AuditTrail();
  readonly #child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  stderr = '';

  constructor(argv: readonly string[]) {
    this.#child = spawn(process.execPath, [program, 'storage', ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      if (lines.length > 0) this.audit.take(lines);
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = once(this.#child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
  }

  static over(dir: StorageDir, ...more: readonly string[]): GateProcess {
    const files = [
      '--quorum',
      dir.quorum,
      '--data',
      dir.data,
      '--state',
      dir.state,
      '--control',
      dir.control,
    ];
    return new GateProcess(['--listen', '127.0.0.1:0', '--backend', BACKEND, ...files, ...more]);
  }

  /** Resolves when it listens; rejects with what it said when it ends first. */
  async started(): Promise<Extract<AuditLine, { event: 'gate-started' }>> {
    const ended = this.exited.then(({ code }) =>
      Promise.reject(new Error(`ended with ${code}: ${this.stderr}`)),
    );
    return Promise.race([this.audit.line('gate-started'), ended]);
  }

  async to(): Promise<NetConnectOpts> {
    const { listen } = await this.started();
    return { host: '127.0.0.1', port: Number(listen.split(':')[1]) };
  }

  /** Nobody reads its standard output from here on. */
  hangUp(): void {
    this.#child.stdout!.destroy();
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
  }
}
