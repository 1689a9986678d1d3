import { readFile } from 'node:fs/promises';
import {
  livingProcesses,
  numberIsAnothers,
  type ProcessName,
  type ProcessStat,
  signalProcess,
} from './process-group.ts';

/**
 * The processes of a service that left its process group, which no signal to the group reaches. They are known by their
 * session, and by the mark that every process of a service inherits: ARBITER_INCARNATION in its environment. One that
 * left the session, and cleared its environment or took another user's rights as well, is not found.
 */
export class Runaways {
  readonly #leader: ProcessName;
  readonly #incarnation: string;
  readonly #found: (pids: readonly number[]) => void;
  readonly #known = new Set<number>();
  /** The look under way: one at a time, so that after the last one nobody looks, and kills, any more. */
  #look: Promise<unknown> = Promise.resolve();

  /** `found` is told of every one of them, once. */
  constructor(leader: ProcessName, incarnation: string, found: (pids: readonly number[]) => void) {
    this.#leader = leader;
    this.#incarnation = incarnation;
    this.#found = found;
  }

  /** Looks once, kills whom it finds, and says whom. Rejects when it cannot look. */
  end(): Promise<readonly ProcessStat[]> {
    const look = this.#look.then(() => this.#endOnce());
    this.#look = look.catch(() => {});
    return look;
  }

  async #endOnce(): Promise<readonly ProcessStat[]> {
    const { pid: leader } = this.#leader;
    const sessionIsOurs = !numberIsAnothers(this.#leader);
    const runaways: ProcessStat[] = [];
    for (const stat of livingProcesses()) {
      if (stat.groupId === leader && sessionIsOurs) continue;
      const isOurs =
        (stat.sessionId === leader && sessionIsOurs) || (await isMarked(this.#incarnation, stat.pid));
      if (!isOurs) continue;
      runaways.push(stat);
      signalProcess(stat, 'SIGKILL');
    }
    this.#tell(runaways);
    return runaways;
  }

  #tell(runaways: readonly ProcessStat[]): void {
    const pids = runaways.map(({ pid }) => pid).filter((pid) => !this.#known.has(pid));
    for (const pid of pids) this.#known.add(pid);
    if (pids.length > 0) this.#found(pids);
  }
}

/** Gone meanwhile, or another user's, whose environment nobody else may read. */
const UNKNOWABLE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/** Whether a process was started by the agent of this incarnation, or by a process that was. */
export async function isMarked(incarnation: string, pid: number): Promise<boolean> {
  if (incarnation === '') return false;
  try {
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1');
    return environ.split('\0').includes(`ARBITER_INCARNATION=${incarnation}`);
  } catch (error) {
    if (UNKNOWABLE.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
