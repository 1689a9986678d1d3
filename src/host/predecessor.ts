import { allGone, isSame, livingProcesses, type ProcessStat, signalProcess } from './process-group.ts';
import { isMarked } from './runaways.ts';
import { here, readServiceFile, removeServiceFile, serviceFile } from './service-file.ts';
import type { ServiceRecord } from './service-file.ts';

/**
 * Ends any service that a former agent left behind, and that agent's guard (R0): kills them and resolves when they are
 * gone, with their process ids; none left, none returned. `waiting` is told who still lives, again and again. Throws
 * when the service file cannot be understood, or when processes are left of which nobody can say whose they are.
 */
export async function endPredecessor(
  stateDirectory: string,
  waiting: (pids: readonly number[]) => void = () => {},
): Promise<readonly number[]> {
  const record = await readServiceFile(stateDirectory);
  if (record === undefined) return [];
  const { bootId, pidNamespace } = await here();
  const ended = new Set<number>();
  if (record.bootId === bootId && record.pidNamespace === pidNamespace) {
    const remains = new Remains(record, stateDirectory);
    await allGone(
      () => remains.living(),
      (still) => {
        for (const stat of still) {
          ended.add(stat.pid);
          signalProcess(stat, 'SIGKILL');
        }
        waiting(still.map(({ pid }) => pid));
      },
    );
  }
  await removeServiceFile(stateDirectory);
  return [...ended];
}

class Remains {
  readonly #record: ServiceRecord;
  readonly #file: string;
  /** The leader was seen alive, so the session was the service's then, and is as long as it has members. */
  #sessionIsOurs = false;

  constructor(record: ServiceRecord, stateDirectory: string) {
    this.#record = record;
    this.#file = serviceFile(stateDirectory);
  }

  /** Guard, leader, session, and whoever carries the former agent's incarnation in its environment. */
  async living(): Promise<ProcessStat[]> {
    const { guard, service } = this.#record;
    const living = livingProcesses();
    this.#sessionIsOurs ||= living.some((stat) => isSame(service, stat));
    const ours: ProcessStat[] = [];
    for (const stat of living) {
      const isNamed = isSame(guard, stat) || isSame(service, stat);
      const isMember = this.#sessionIsOurs && isInSession(this.#record, stat);
      if (isNamed || isMember || (await isMarked(this.#record.incarnation, stat.pid))) ours.push(stat);
    }
    // Without its leader, the session's number may have been given to somebody else's: nobody is killed on suspicion.
    const doubtful = living.filter((stat) => isInSession(this.#record, stat) && !ours.includes(stat));
    if (ours.length > 0 || doubtful.length === 0) return ours;
    throw new Error(
      `processes ${doubtful.map(({ pid }) => pid).join(', ')} may be left of the former service (session ` +
        `${service?.pid} in ${this.#file}); end them, or remove that file if they are not`,
    );
  }
}

/** Its process group is in it, and so is every other that its processes made for themselves. */
function isInSession({ service }: ServiceRecord, stat: ProcessStat): boolean {
  return service !== null && stat.sessionId === service.pid;
}
