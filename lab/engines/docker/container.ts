import type Docker from 'dockerode';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { MemberEnd, WorldLine } from '../engine.ts';
import { parseWorldLine } from '../json-line.ts';
import { isAlreadySo, plainWords } from './connect.ts';
import { ContainerOutput, type OutputLine } from './output.ts';
import { within } from './within.ts';

export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

const START_MS = 20_000;
const ANSWER_MS = 10_000;
const TAIL_LINES = 5;

/** Who listens to a container. */
export interface Listener {
  onLine(line: WorldLine): void;
  onEnd(end: MemberEnd): void;
}

/**
 * One container of a lab, started any number of times. Its output is attached to before every start, so each line is
 * delivered exactly once: following the engine's stored log over restarts would lose or repeat some.
 */
export class LabContainer {
  readonly who: string;
  readonly name: string;
  readonly #container: Docker.Container;
  readonly #listener: Listener;
  readonly #tail: string[] = [];
  #exited: Promise<number> | undefined;
  #running = false;
  #endWanted = false;
  /** Signals that the engine has not answered yet: only then is it known whether they found anybody alive. */
  #signalling: Promise<void> = Promise.resolve();

  private constructor(who: string, name: string, container: Docker.Container, listener: Listener) {
    this.who = who;
    this.name = name;
    this.#container = container;
    this.#listener = listener;
  }

  static async create(
    docker: Docker,
    who: string,
    options: Docker.ContainerCreateOptions & { name: string },
    listener: Listener,
  ): Promise<LabContainer> {
    try {
      const container = await within(START_MS, `creating ${options.name}`, docker.createContainer(options));
      return new LabContainer(who, options.name, container, listener);
    } catch (error) {
      throw new Error(`container ${options.name} cannot be created: ${plainWords(error as Error)}`, {
        cause: error,
      });
    }
  }

  get id(): string {
    return this.#container.id;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves with the exit code once every process is gone, the last line is delivered and the end told; 128 + n after signal n. */
  get exited(): Promise<number> {
    return this.#exited ?? Promise.resolve(0);
  }

  async start(): Promise<void> {
    if (this.#running) throw new Error(`container ${this.name} is running already`);
    this.#endWanted = false;
    const attach = this.#container.attach({ stream: true, stdout: true, stderr: true });
    const stream = await within(ANSWER_MS, `attaching to ${this.name}`, attach).catch((error) =>
      this.#fail('attached to', error),
    );
    const lastLine = this.#deliver(stream);
    const start = this.#container.start().catch((error: unknown) => this.#fail('started', error));
    await within(START_MS, `starting ${this.name}`, start);
    this.#running = true;
    this.#exited = this.#ending(lastLine);
  }

  /** SIGKILL by default: to process 1, and with it the kernel ends every process in the container. Frozen ones too. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.#running) return;
    const signalled = within(
      ANSWER_MS,
      `sending ${signal} to ${this.name}`,
      this.#container.kill({ signal }),
    );
    this.#signalling = signalled.then(
      () => void (this.#endWanted = true),
      () => {},
    );
    try {
      await signalled;
    } catch (error) {
      // 409: it ended by itself in the meantime.
      if ((error as { statusCode?: number }).statusCode !== 409) this.#fail(`sent ${signal}`, error);
    }
  }

  /** Bounded `exited`. */
  async ended(ms: number): Promise<number> {
    return within(ms, `the end of ${this.name}`, this.exited).catch((error: unknown) => {
      throw new Error((error as Error).message + this.lastWords(), { cause: error });
    });
  }

  async pause(): Promise<void> {
    await within(ANSWER_MS, `pausing ${this.name}`, this.#container.pause()).catch((error) =>
      this.#fail('paused', error),
    );
  }

  async unpause(): Promise<void> {
    const unpause = this.#container.unpause();
    await within(ANSWER_MS, `unpausing ${this.name}`, unpause).catch((error) =>
      this.#fail('unpaused', error),
    );
  }

  inspect(): Promise<Docker.ContainerInspectInfo> {
    return within(ANSWER_MS, `inspecting ${this.name}`, this.#container.inspect());
  }

  /** Runs a program inside, bounded inside as well: nothing can end it from here. Exit code 137 when it was cut short. */
  async exec(argv: readonly string[], timeoutMs = 10_000): Promise<ExecResult> {
    const bounded = ['timeout', '-s', 'KILL', String(timeoutMs / 1000), ...argv];
    const run = async (): Promise<ExecResult> => {
      const exec = await this.#container.exec({ Cmd: bounded, AttachStdout: true, AttachStderr: true });
      const stream = await exec.start({ hijack: false });
      const said = await collect(stream);
      return { ...said, code: await exitCodeOf(exec) };
    };
    const what = `${argv[0]} in ${this.name}`;
    return within(timeoutMs + ANSWER_MS, what, run()).catch((error) =>
      this.#fail(`asked to run ${argv[0]}`, error),
    );
  }

  /** The process table as the engine's host sees it; works on a frozen container too. */
  async top(columns: string): Promise<{ titles: string[]; rows: string[][] }> {
    const top = this.#container.top({ ps_args: `-eo ${columns}` }) as Promise<{
      Titles: string[];
      Processes: string[][] | null;
    }>;
    const { Titles, Processes } = await within(ANSWER_MS, `listing the processes of ${this.name}`, top);
    return { titles: Titles, rows: Processes ?? [] };
  }

  async archive(path: string): Promise<NodeJS.ReadableStream> {
    const archive = this.#container.getArchive({ path });
    return within(ANSWER_MS, `reading ${path} of ${this.name}`, archive).catch((error) =>
      this.#fail(`asked for ${path}`, error),
    );
  }

  /** For the end of an error message: what it said last, without the frames of a stack. */
  lastWords(): string {
    return this.#tail.length === 0 ? '' : `; it said last: ${this.#tail.join(' / ')}`;
  }

  /** From here on its end is nothing to remark upon. */
  expectEnd(): void {
    this.#endWanted = true;
  }

  #fail(done: string, error: unknown): never {
    const why = plainWords(error as Error).replaceAll(this.id, this.who);
    throw new Error(`container ${this.name} cannot be ${done}: ${why}${this.lastWords()}`, { cause: error });
  }

  #deliver(stream: NodeJS.ReadableStream): Promise<void> {
    const output = new ContainerOutput();
    return new Promise((resolve) => {
      stream.on('data', (chunk: Buffer) => output.feed(chunk).forEach((line) => this.#say(line)));
      const end = () => {
        output.end().forEach((line) => this.#say(line));
        resolve();
      };
      stream.once('end', end);
      stream.once('error', (error: Error) => {
        this.#noise(`lab: its output broke off: ${error.message}`);
        end();
      });
    });
  }

  #say({ stream, text }: OutputLine): void {
    if (text === '') return;
    if (!/^\s+at /.test(text)) this.#tail.push(text.slice(0, 200));
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    if (stream === 'stderr') this.#noise(text);
    else this.#listener.onLine(parseWorldLine(this.who, text));
  }

  #noise(text: string): void {
    this.#listener.onLine({ from: 'noise', who: this.who, text });
  }

  async #ending(lastLine: Promise<void>): Promise<number> {
    let code = 0;
    try {
      const { StatusCode } = (await this.#container.wait()) as { StatusCode: number };
      code = StatusCode;
      await within(ANSWER_MS, `the last line of ${this.name}`, lastLine);
    } catch (error) {
      // Removed while it was waited for, by a reaper: it has ended all the same.
      if (!isAlreadySo(error)) this.#noise(`lab: ${(error as Error).message}`);
    }
    this.#running = false;
    await this.#signalling;
    this.#listener.onEnd({ member: this.who, ...howItEnded(code), wanted: this.#endWanted });
    return code;
  }
}

/** The engine tells 128 + n where signal n ended the program. */
function howItEnded(code: number): Pick<MemberEnd, 'code' | 'signal'> {
  const [signal] = Object.entries(constants.signals).find(([, n]) => code === 128 + n) ?? [];
  return signal === undefined ? { code, signal: null } : { code: null, signal };
}

async function collect(stream: NodeJS.ReadableStream): Promise<{ stdout: string; stderr: string }> {
  const output = new ContainerOutput();
  const lines: OutputLine[] = [];
  for await (const chunk of stream) lines.push(...output.feed(chunk as unknown as Buffer));
  lines.push(...output.end());
  const textOf = (wanted: string) =>
    lines.flatMap(({ stream, text }) => (stream === wanted ? [text] : [])).join('\n');
  return { stdout: textOf('stdout'), stderr: textOf('stderr') };
}

/** The engine may close the output a moment before it knows the exit code. */
async function exitCodeOf(exec: Docker.Exec): Promise<number> {
  for (;;) {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running && ExitCode !== null) return ExitCode;
    await delay(5);
  }
}
