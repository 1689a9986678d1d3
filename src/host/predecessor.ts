import { readFile } from 'node:fs/promises';
import { allGone, livingProcesses, type ProcessStat, signalPid } from './process-group.ts';
import { here, isSame, readServiceFile, removeServiceFile, serviceFile } from './service-file.ts';
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
        for (const { pid } of still) {
          ended.add(pid);
          signalPid(pid, 'SIGKILL');
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
  /** The leader was seen alive, so the group was the service's then, and is as long as it has members. */
  #groupIsOurs = false;

  constructor(record: ServiceRecord, stateDirectory: string) {
    this.#record = record;
    this.#file = serviceFile(stateDirectory);
  }

  /** Guard, leader, group, and whoever carries the former agent's incarnation in its environment. */
  async living(): Promise<ProcessStat[]> {
    const { guard, service } = this.#record;
    const living = livingProcesses();
    this.#groupIsOurs ||= living.some((stat) => isSame(service, stat));
    const ours: ProcessStat[] = [];
    for (const stat of living) {
      const isNamed = isSame(guard, stat) || isSame(service, stat);
      const isMember = this.#groupIsOurs && isInGroup(this.#record, stat);
      if (isNamed || isMember || (await isMarked(this.#record, stat))) ours.push(stat);
    }
    // Without its leader, the group's number may have been given to somebody else's: nobody is killed on suspicion.
    const doubtful = living.filter((stat) => isInGroup(this.#record, stat) && !ours.includes(stat));
    if (ours.length > 0 || doubtful.length === 0) return ours;
    throw new Error(
      `processes ${doubtful.map(({ pid }) => pid).join(', ')} may be left of the former service (group ` +
        `${service?.pid} in ${this.#file}); end them, or remove that file if they are not`,
    );
  }
}

function isInGroup({ service }: ServiceRecord, stat: ProcessStat): boolean {
  return service !== null && stat.groupId === service.pid && stat.sessionId === service.pid;
}

async function isMarked({ incarnation }: ServiceRecord, { pid }: ProcessStat): Promise<boolean> {
  if (incarnation === '') return false;
  try {
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1');
    return environ.split('\0').includes(`ARBITER_INCARNATION=${incarnation}`);
  } catch {
    return false; // gone meanwhile, or another user's
  }
}
