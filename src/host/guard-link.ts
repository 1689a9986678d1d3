import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EchoWatch } from './echo-watch.ts';
import { type FromGuard, hearGuard, tellGuard, type ToGuard } from './guard-messages.ts';
import type { ProcessName } from './process-group.ts';
import type { ServiceSetup } from './service-setup.ts';

/**
 * Flags that keep a process small that does next to nothing. What the agent was started with (inspectors, heap
 * limits) is not handed down.
 */
const GUARD_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-old-space-size=32',
  '--max-semi-space-size=1',
];

/** An order the guard has not answered yet; it is answered with the service's leader where there is one. */
interface Order {
  resolve(leader: ProcessName | undefined): void;
  reject(error: Error): void;
}

/** What the guard says unasked. */
export interface GuardListener {
  ended(reason: string): void;
  runaways(pids: readonly number[]): void;
  /** It is dead, or counts as dead: told once. `orders` are those that it will never answer. */
  lost(guard: GuardLink, how: string, orders: readonly Order[]): void;
}

/** One guard, from its start to its loss: its process, the socket to it, and the orders it has yet to answer. */
export class GuardLink {
  readonly #process: ChildProcess;
  readonly #socket: Socket;
  readonly #listener: GuardListener;
  readonly #echoes: EchoWatch;
  readonly #orders = new Map<number, Order>();
  #lastOrder = 0;
  #isLost = false;

  /** Resolves when the guard answers. Rejects when it cannot be run. */
  static async start(setup: ServiceSetup, listener: GuardListener): Promise<GuardLink> {
    const program = fileURLToPath(new URL(`./guard${extname(import.meta.url)}`, import.meta.url));
    const child = spawn(process.execPath, [...GUARD_FLAGS, program, setup.node], {
      // A session of its own, so that a signal to the agent's group, or from its terminal, does not reach the guard.
      detached: true,
      stdio: ['ignore', 2, 2, 'pipe'],
    });
    const guard = new GuardLink(child, setup, listener);
    await guard.#ready(setup);
    return guard;
  }

  private constructor(child: ChildProcess, setup: ServiceSetup, listener: GuardListener) {
    this.#process = child;
    this.#socket = child.stdio[3] as Socket;
    this.#socket.on('error', () => {});
    this.#listener = listener;
    this.#echoes = new EchoWatch(setup.clock, setup.stopGraceMs, () =>
      this.giveUp(`no answer for ${setup.stopGraceMs} ms`),
    );
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  order(make: (id: number) => ToGuard): Promise<ProcessName | undefined> {
    const id = ++this.#lastOrder;
    const { promise, resolve, reject } = Promise.withResolvers<ProcessName | undefined>();
    this.#orders.set(id, { resolve, reject });
    tellGuard(this.#socket, make(id));
    return promise;
  }

  tellLease(endsAtNs: number): void {
    tellGuard(this.#socket, { do: 'lease', endsAtNs });
    this.#echoes.sent();
  }

  /** A guard that is stuck is none: it is killed, and counts as lost whether or not that reaches it. */
  giveUp(how: string): void {
    this.#process.kill('SIGKILL');
    this.#lose(how);
  }

  /** The guard ends the service before it ends itself. One that does not by `byMs` is left to itself. */
  async leave(byMs: number, setup: ServiceSetup): Promise<void> {
    this.#isLost = true;
    this.#echoes.close();
    const overdue = Promise.withResolvers<void>();
    const callOff = setup.clock.at(byMs, overdue.resolve);
    const exited = once(this.#process, 'exit');
    this.#socket.end();
    await Promise.race([exited, overdue.promise]);
    callOff();
    this.#socket.destroy();
    this.#process.unref();
  }

  async #ready({ stateDirectory, stopGraceMs, enforceLease }: ServiceSetup): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      hearGuard(this.#socket, (message) => (message.event === 'ready' ? resolve() : this.#hear(message)));
      this.#process.once('error', (error) =>
        reject(new Error(`the guard cannot be run: ${error.message}`, { cause: error })),
      );
      this.#process.once('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        reject(new Error(`the guard ended at its start (${how})`));
        this.#lose(how);
      });
    });
    tellGuard(this.#socket, { do: 'setup', stateDirectory, stopGraceMs, enforceLease });
    await ready;
  }

  #hear(message: FromGuard): void {
    switch (message.event) {
      case 'ready':
        return;
      case 'leased':
        return this.#echoes.heard();
      case 'runaways':
        return this.#listener.runaways(message.pids);
      case 'ended':
        return this.#listener.ended(message.reason);
      case 'started':
        return this.#answer(message.id)?.resolve(message.leader);
      case 'stopped':
        return this.#answer(message.id)?.resolve(undefined);
      case 'failed':
        return this.#answer(message.id)?.reject(new Error(message.reason));
    }
  }

  #answer(id: number): Order | undefined {
    const order = this.#orders.get(id);
    this.#orders.delete(id);
    return order;
  }

  #lose(how: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#echoes.close();
    this.#socket.destroy();
    const orders = [...this.#orders.values()];
    this.#orders.clear();
    this.#listener.lost(this, how, orders);
  }
}
