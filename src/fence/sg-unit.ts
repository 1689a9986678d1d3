import { execFile } from 'node:child_process';
import { DeviceUnusable, OutcomeUnknown, RequestFailed } from '../ports/block-device.ts';
import type { ReservableUnit, Reservation, ReservationType } from '../ports/reservable-unit.ts';
import { failureOf, parseReadKeys, parseReadReservation, type ProgramEnd } from './sg-output.ts';

const PACKAGE = 'sg3-utils';
/** Much more than all that one of them prints. */
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * The reservation of a disk of this machine, by the programs of sg3-utils: one run of one program for each command. The I_T
 * nexus is the kernel's, so it is the same one for every process here, and for every start of the agent.
 */
export class SgUnit implements ReservableUnit {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * That both programs are there and the disk takes persistent reservations. Rejects with `DeviceUnusable`, in one line that
   * says what to do.
   */
  async probe(deadlineMs: number): Promise<void> {
    const path = this.#path;
    try {
      await this.#run('sg_reset', ['--version'], deadlineMs);
      await this.readKeys(deadlineMs);
    } catch (error) {
      if (error instanceof DeviceUnusable) throw error;
      const { message } = error as Error;
      const text = `${path}: takes no persistent reservations (${message}); a disk that nothing guards needs \`fencing: none\``;
      throw new DeviceUnusable(text, undefined, { cause: error });
    }
  }

  async registerKey(key: bigint, deadlineMs: number): Promise<void> {
    await this.#persist(['--out', '--register-ignore', `--param-sark=${hex(key)}`], deadlineMs);
  }

  async readKeys(deadlineMs: number): Promise<{ generation: number; keys: readonly bigint[] }> {
    return parseReadKeys(await this.#persist(['--in', '--read-keys'], deadlineMs));
  }

  async readReservation(deadlineMs: number): Promise<Reservation | undefined> {
    return parseReadReservation(await this.#persist(['--in', '--read-reservation'], deadlineMs));
  }

  async reserve(key: bigint, type: ReservationType, deadlineMs: number): Promise<void> {
    await this.#persist(['--out', '--reserve', `--param-rk=${hex(key)}`, `--prout-type=${type}`], deadlineMs);
  }

  async preempt(
    own: bigint,
    victim: bigint,
    type: ReservationType,
    deadlineMs: number,
    abort: boolean,
  ): Promise<void> {
    const keys = [`--param-rk=${hex(own)}`, `--param-sark=${hex(victim)}`, `--prout-type=${type}`];
    await this.#persist(['--out', abort ? '--preempt-abort' : '--preempt', ...keys], deadlineMs);
  }

  /** Of a service action no program of the package tells reliably; one that is not known is answered ILLEGAL REQUEST. */
  async supportsPreemptAndAbort(): Promise<boolean> {
    return true;
  }

  /** `--no-esc`: a reset of anything larger would hit others. */
  async resetLogicalUnit(deadlineMs: number): Promise<void> {
    await this.#run('sg_reset', ['--device', '--no-esc', this.#path], deadlineMs);
  }

  #persist(argv: readonly string[], deadlineMs: number): Promise<string> {
    return this.#run('sg_persist', ['--no-inquiry', ...argv, this.#path], deadlineMs);
  }

  /**
   * Rejects with OutcomeUnknown when it was killed at its deadline: the kernel may still carry the command out. Its end is not
   * waited for then: a process that waits for a disk in the kernel dies when that is done, which may be minutes later.
   */
  #run(program: string, argv: readonly string[], deadlineMs: number): Promise<string> {
    const what = `${this.#path}: ${program} ${argv.filter((each) => /^--(?!no-|in$|out$)/.test(each)).join(' ')}`;
    if (deadlineMs <= 0) {
      const text = `${what} was not begun: its deadline passed`;
      return Promise.reject(new RequestFailed(text, 'ETIMEDOUT', { effect: 'none' }));
    }
    const options = {
      maxBuffer: MOST_OUTPUT_BYTES,
      env: { ...process.env, LC_ALL: 'C' },
    } as const;
    return new Promise((resolve, reject) => {
      const child = execFile(program, argv, options, (error, stdout, stderr) => {
        clearTimeout(timer);
        if (error === null) resolve(stdout);
        else reject(this.#failure(program, what, error, { stdout, stderr }));
      });
      const timer = setTimeout(() => {
        reject(new OutcomeUnknown(`${what} did not end in time`));
        child.kill('SIGKILL');
        child.unref();
        for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
      }, deadlineMs);
    });
  }

  #failure(
    program: string,
    what: string,
    error: Error & { code?: number | string | null; signal?: string | null },
    said: Omit<ProgramEnd, 'exitCode'>,
  ): Error {
    if (error.code === 'ENOENT') {
      const text = `${this.#path}: the program '${program}' is missing: install the package ${PACKAGE}`;
      return new DeviceUnusable(text, undefined, { cause: error });
    }
    if (typeof error.code === 'number') return failureOf(what, { exitCode: error.code, ...said });
    return new OutcomeUnknown(`${what} ended with ${error.signal ?? error.message}`, { cause: error });
  }
}

function hex(key: bigint): string {
  return key.toString(16);
}
