import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { AuditLine } from '../ports/audit.ts';
import type { JournalLine } from '../ports/journal.ts';
import { arbiter } from './program.fixture.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** One `arbiter` that goes on: its lines as they come, and its end. */
export class Running<Line extends JournalLine | AuditLine> implements AsyncDisposable {
  readonly lines: Line[] = [];
  stderr = '';
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child;
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(...argv: readonly string[]) {
    const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (text) => {
      this.lines.push(JSON.parse(text) as Line);
      for (const look of this.#waiting) look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // Standard error is its guard's and its service's too: `close` would wait for them.
    this.ended = once(child, 'exit').then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
      this.#isOver = true;
      for (const look of this.#waiting) look();
      return signal ?? code ?? 'SIGKILL';
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first line that fits, from line number `from` on. Rejects when the program ends without it. */
  line(fits: (line: Line) => boolean, from = 0): Promise<Line> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.slice(from).find(fits);
        if (found === undefined && !this.#isOver) return;
        this.#waiting.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`ended without that line; ${this.stderr}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The first entry of that event, with those fields, from line number `from` on. */
  event(event: Line['event'], fields: Record<string, unknown> = {}, from = 0): Promise<Line> {
    const wanted = Object.entries({ event, ...fields });
    return this.line((line) => wanted.every(([name, value]) => (line as never)[name] === value), from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.ended;
  }
}

/**
 * Short ones: what a test waits for is a few of these. They keep every relation (`timing.ts`), and a busy machine keeps
 * the deadline.
 */
const QUICK = { interval: 250, misses: 6, settle: 250, deadline: 200, grace: 250 };

/** A folder with everything a few servers on this machine need; goes with the test. */
export class Cluster implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'arbiter-run-'));
  readonly storage = `nbd+unix:///?socket=${this.file('storage.sock')}`;
  readonly #running: Running<JournalLine | AuditLine>[] = [];

  file(name: string): string {
    return join(this.path, name);
  }

  /** Starts the gate, with `more` arguments, over files that stay from one to the next. */
  async startStorage(...more: readonly string[]): Promise<Running<AuditLine>> {
    const storage = this.#keep(
      new Running<AuditLine>(
        ...['storage', '--listen', `unix:${this.file('storage.sock')}`, '--state', this.file('gate')],
        ...['--quorum', this.file('quorum'), '--create-quorum', '65536'],
        ...['--data', this.file('data'), '--create-data', '65536', ...more],
      ),
    );
    await storage.event('gate-started');
    return storage;
  }

  async layOut(nodes: readonly string[], timings = QUICK, uri = this.quorum): Promise<void> {
    const { interval, misses, settle, deadline, grace } = timings;
    const { exitCode, stderr } = await arbiter(
      ...['init', uri, '--nodes', nodes.join(','), '--interval-ms', `${interval}`],
      ...['--misses', `${misses}`],
      ...['--settle-ms', `${settle}`, '--deadline-ms', `${deadline}`, '--stop-grace-ms', `${grace}`],
    );
    if (exitCode !== 0) throw new Error(stderr);
  }

  get quorum(): string {
    return this.storage.replace('?', 'quorum?');
  }

  status(node: string): string {
    return `unix:${this.file(`${node}.sock`)}`;
  }

  /** The agent's file of `node`, with `changes`; returns its path. */
  configure(node: string, changes: Record<string, unknown> = {}): string {
    const config = {
      node,
      quorum: this.quorum,
      data: this.storage,
      service: { command: ['sleep', '1000'] },
      status: this.status(node),
      state: this.file(`${node}.state`),
      ...changes,
    };
    const file = this.file(`${node}.yaml`);
    writeFileSync(file, stringify(config));
    return file;
  }

  start(node: string, changes?: Record<string, unknown>): Running<JournalLine> {
    return this.#keep(new Running<JournalLine>('run', '-c', this.configure(node, changes)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#running) await each[Symbol.asyncDispose]();
    rmSync(this.path, { recursive: true, force: true });
  }

  #keep<Line extends JournalLine | AuditLine>(running: Running<Line>): Running<Line> {
    this.#running.push(running);
    return running;
  }
}

/** Where a single request that a busy machine left unanswered would change what happens: nothing can be released then. */
const PATIENT = { interval: 500, misses: 6, settle: 450, deadline: 500, grace: 450 };

/** Of these nodes server-1 is active, and server-2 has seen it alive and was seen. */
export async function twoServers(
  cluster: Cluster,
  nodes: readonly string[],
): Promise<Record<'active' | 'standby', Running<JournalLine>>> {
  await cluster.startStorage();
  await cluster.layOut(nodes, PATIENT);
  const active = cluster.start('server-1');
  await active.event('service', { phase: 'started' });
  const standby = cluster.start('server-2');
  const { length } = await standby.event('role', { to: 'standby' }).then(() => standby.lines);
  // R8 asks for a count that was seen to grow; meanwhile the slot of this standby moved, too.
  const changes = () => standby.lines.slice(length).filter(({ event }) => event === 'observed-change').length;
  await standby.line(() => changes() > 2, length);
  return { active, standby };
}
