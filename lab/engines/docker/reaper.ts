import type Docker from 'dockerode';
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, plainWords } from './connect.ts';
import { isReapable, labelFilter, type Reapable } from './labels.ts';
import { within } from './within.ts';

export interface Reaped {
  containers: number;
  networks: number;
  volumes: number;
}

interface Leftover {
  kind: keyof Reaped;
  name: string;
  remove(): Promise<unknown>;
}

const ROUNDS = 20;
const BETWEEN_ROUNDS_MS = 250;

/**
 * Removes what labs left behind, by label: containers, then the networks and volumes that they held. Looks again until
 * nothing is left, because a controller that was killed may have had a creation under way. May be called any number of times.
 */
export async function reap(what: Reapable, docker: Docker = connect()): Promise<Reaped> {
  const reaped: Reaped = { containers: 0, networks: 0, volumes: 0 };
  let problems: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    if (problems.length > 0) await delay(BETWEEN_ROUNDS_MS);
    const left = await leftovers(docker, what);
    if (left.length === 0) return reaped;
    problems = [];
    for (const kind of ['containers', 'networks', 'volumes'] as const) {
      const outcomes = await Promise.all(left.filter((each) => each.kind === kind).map(removal));
      problems.push(...outcomes.filter((outcome) => outcome !== undefined));
      reaped[kind] += outcomes.filter((outcome) => outcome === undefined).length;
    }
  }
  throw new Error(`not everything of the lab could be removed: ${problems.join('; ')}`);
}

/** What `reap` would remove. */
export async function countLeft(what: Reapable, docker: Docker = connect()): Promise<Reaped> {
  const left = await leftovers(docker, what);
  const count = (kind: keyof Reaped) => left.filter((each) => each.kind === kind).length;
  return { containers: count('containers'), networks: count('networks'), volumes: count('volumes') };
}

async function leftovers(docker: Docker, what: Reapable): Promise<Leftover[]> {
  const filters = JSON.stringify({ label: [labelFilter(what)] });
  const look = Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  const [containers, networks, { Volumes: volumes }] = await within(
    20_000,
    'looking for what labs left',
    look,
  );
  return [
    ...containers
      .filter(({ Labels }) => isReapable(what, Labels))
      .map(({ Id, Names }) =>
        leftover('containers', Names[0] ?? Id, () =>
          docker.getContainer(Id).remove({ force: true, v: true }),
        ),
      ),
    ...networks
      .filter(({ Labels }) => isReapable(what, Labels))
      .map(({ Id, Name }) => leftover('networks', Name, () => docker.getNetwork(Id).remove())),
    ...(volumes ?? [])
      .filter(({ Labels }) => isReapable(what, Labels))
      .map(({ Name }) => leftover('volumes', Name, () => docker.getVolume(Name).remove())),
  ];
}

function leftover(kind: keyof Reaped, name: string, remove: () => Promise<unknown>): Leftover {
  return { kind, name, remove };
}

/** Undefined when it is gone, by us or by somebody else; otherwise what the engine said. */
async function removal({ name, remove }: Leftover): Promise<string | undefined> {
  try {
    await within(20_000, `removing ${name}`, remove());
    return undefined;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    return `${name}: ${plainWords(error as Error)}`;
  }
}

export interface ReaperProcess {
  pid: number | undefined;
  /** The lab is down: nothing is left to reap. */
  dismiss(): void;
}

const program = fileURLToPath(new URL('./reaper-process.ts', import.meta.url));

/**
 * A process that outlives a killed controller: it waits for the end of its pipe and then reaps this one lab. What Ryuk
 * does, without an image to pull and without the engine's socket inside a container.
 */
export function startReaperProcess(labId: string): ReaperProcess {
  // A session of its own: an interrupt on the terminal is the controller's to handle, and must not end its reaper.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, labId], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {}).unref();
  child.stdin.on('error', () => {});
  // The pipe must not keep a finished controller alive; its end is what the reaper waits for.
  (child.stdin as unknown as { unref(): void }).unref();
  return { pid: child.pid, dismiss: () => void child.stdin.end('done\n') };
}
