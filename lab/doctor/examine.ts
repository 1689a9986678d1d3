import { detectEngine } from '../engines/detect.ts';
import { engineState, type EngineState } from '../engines/docker/connect.ts';
import type { Engine } from '../engines/engine.ts';
import { dockerFindings } from './docker.ts';
import type { Diagnosis, EngineFindings } from './finding.ts';
import { machineFindings } from './machine.ts';
import { processFindings } from './process.ts';

/**
 * Looks at this machine and tries out what the lab needs of it; whatever it starts for that is gone when this resolves.
 * `wanted` is the engine asked for (`--engine`, LAB_ENGINE); `registry`: ask one for Node's own image.
 */
export async function examine(wanted: string | undefined, registry: boolean): Promise<Diagnosis> {
  const state = await engineState();
  const machine = await machineFindings();
  const docker = await dockerFindings(state, registry);
  const child = await processFindings();
  const room = machine.find(({ thing }) => thing === 'room for runs');
  const noRoom = room?.state === 'ok' ? undefined : room?.why;
  const taken = await taking(wanted, state);
  const obstacles = { docker: docker.obstacle ?? noRoom, process: child.obstacle ?? noRoom };
  return { ...conclude(wanted, taken, obstacles), machine, docker, process: child };
}

interface Taking {
  engine: Engine['name'] | null;
  why: string;
}

async function taking(wanted: string | undefined, state: EngineState): Promise<Taking> {
  try {
    return await detectEngine(wanted, () => Promise.resolve(state));
  } catch (error) {
    return { engine: null, why: (error as Error).message };
  }
}

type Obstacles = Record<Engine['name'], EngineFindings['obstacle']>;

/** What `make lab` would do. Exported for its test: no machine shows all of it. */
export function conclude(
  wanted: string | undefined,
  { engine, why }: Taking,
  obstacles: Obstacles,
): Pick<Diagnosis, 'ready' | 'engine' | 'why' | 'verdict'> {
  if (engine === null) return { ready: false, engine, why, verdict: `make lab would fail: ${why}` };
  const obstacle = obstacles[engine];
  const takes = `make lab takes ${engine} (${why})`;
  if (obstacle === undefined) return { ready: true, engine, why, verdict: takes };
  const other = engine === 'docker' ? 'process' : 'docker';
  const elsewhere = wanted === undefined && obstacles[other] === undefined;
  const advice = elsewhere ? `; it can run with: LAB_ENGINE=${other} make lab` : '';
  return { ready: elsewhere, engine, why, verdict: `${takes} and would fail: ${obstacle}${advice}` };
}
