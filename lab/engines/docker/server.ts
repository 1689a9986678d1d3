import type { AgentStatus } from '../../../src/ports/status.ts';
import type { Part } from '../engine.ts';
import type { LabContainer } from './container.ts';
import { freezerState } from './freezer.ts';
import { ask } from './ask.ts';
import { type ContainerProcess, ownProcesses, parseProcesses, partOf, PS_COLUMNS } from './parts.ts';
import { RUN } from './topology.ts';

const STOP_MS = 15_000;
const KILL_MS = 10_000;
const LOOKS = 20;

/** What can be done to the processes of one container, each thing proved from the process table or by the kernel. */
export class Server {
  readonly container: LabContainer;
  #frozen = false;
  /** Parts that were stalled, and are to go on when the rest is thawed. */
  #toGoOn: Part[] = [];

  constructor(container: LabContainer) {
    this.container = container;
  }

  async start(): Promise<void> {
    this.#frozen = false;
    await this.container.start();
  }

  async kill(): Promise<void> {
    await this.container.kill();
    await this.container.ended(KILL_MS);
    this.#frozen = false;
    this.#toGoOn = [];
  }

  async stop(): Promise<number | null> {
    if (this.#frozen)
      throw new Error(`${this.container.name} is frozen: it cannot be asked to stop before it is thawed`);
    await this.container.kill('SIGTERM');
    return this.container.ended(STOP_MS);
  }

  async freeze(): Promise<void> {
    await this.container.pause();
    this.#frozen = true;
    const { State } = await this.container.inspect();
    const kernel = freezerState(this.container.id, State.Pid);
    if (!State.Paused || kernel === 'running') {
      throw new Error(
        `${this.container.name} was paused, and yet runs: engine says ${State.Status}, kernel says ${kernel}`,
      );
    }
  }

  async thaw(): Promise<void> {
    await this.container.unpause();
    this.#frozen = false;
    const { State } = await this.container.inspect();
    const kernel = State.Running ? freezerState(this.container.id, State.Pid) : 'running';
    if (State.Paused || kernel === 'frozen') {
      throw new Error(
        `${this.container.name} was thawed, and yet stands still: engine says ${State.Status}, kernel says ${kernel}`,
      );
    }
    const parts = this.#toGoOn.splice(0);
    if (parts.length > 0) await this.unstall(parts);
  }

  async stall(parts: readonly Part[]): Promise<void> {
    await this.#signalParts(parts, 'STOP', (state) => state.startsWith('T'));
  }

  async unstall(parts: readonly Part[]): Promise<void> {
    if (this.#frozen) {
      this.#toGoOn.push(...parts);
      return;
    }
    await this.#signalParts(parts, 'CONT', (state) => !state.startsWith('T'));
  }

  async status(): Promise<AgentStatus | undefined> {
    if (!this.container.running || this.#frozen) return undefined;
    try {
      const { status, body } = await ask(
        this.container,
        `${RUN}/status.sock`,
        'GET',
        '/status',
        undefined,
        1000,
      );
      return status === 200 ? (body as AgentStatus) : undefined;
    } catch {
      return undefined; // not listening yet, stalled, or gone meanwhile
    }
  }

  /** Living processes, as the engine's host sees them: works on a frozen server too, where nothing can be run. */
  async alive(): Promise<number> {
    if (!this.container.running) return 0;
    const [{ rows }, { State }] = await Promise.all([
      this.container.top(PS_COLUMNS),
      this.container.inspect(),
    ]);
    return ownProcesses(parseProcesses(rows.map((row) => row.join(' ')).join('\n')), State.Pid).length;
  }

  async #signalParts(
    parts: readonly Part[],
    signal: 'STOP' | 'CONT',
    done: (state: string) => boolean,
  ): Promise<void> {
    if (this.#frozen)
      throw new Error(`${this.container.name} is frozen: its parts cannot be reached before it is thawed`);
    for (let look = 0; look < LOOKS; look++) {
      const found = (await this.#processes()).filter((process) => parts.includes(partOf(process)));
      if (found.length === 0 && signal === 'STOP')
        throw new Error(`${this.container.name} has no ${parts.join(' or ')} to stall`);
      const pending = found.filter(({ state }) => !done(state)).map(({ pid }) => String(pid));
      if (pending.length === 0) return;
      await this.container.exec(['kill', `-${signal}`, ...pending]);
    }
    throw new Error(
      `${this.container.name}: ${signal} had no effect on its ${parts.join(' and ')} after ${LOOKS} looks`,
    );
  }

  /** From inside: these process ids are the ones that can be signalled there, as the same user and without a capability. */
  async #processes(): Promise<ContainerProcess[]> {
    const { code, stdout, stderr } = await this.container.exec(['ps', '-eo', PS_COLUMNS]);
    if (code !== 0) throw new Error(`${this.container.name}: ps ended with ${code}: ${stderr.trim()}`);
    return ownProcesses(parseProcesses(stdout), 1);
  }
}
