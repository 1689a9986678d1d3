import { InfrastructureError, UsageError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { EngineState } from './docker/connect.ts';

export interface Detected {
  engine: Engine['name'];
  /** In words, for the first line of a run. */
  why: string;
}

/**
 * Which engine a lab runs on: Docker when one answers within 2 s, otherwise processes. A wish (`--engine`, or
 * LAB_ENGINE) is never silently replaced: wanting Docker where there is none is an `InfrastructureError`.
 */
export async function detectEngine(
  wanted: string | undefined,
  ask: () => Promise<EngineState> = askDocker,
): Promise<Detected> {
  if (wanted === 'process') return { engine: 'process', why: 'as asked for' };
  if (wanted !== undefined && wanted !== 'docker') {
    throw new UsageError(`there is no engine '${wanted}'; there are docker and process`);
  }
  const state = await ask();
  if (state.answers) return { engine: 'docker', why: `Docker ${state.version} answers` };
  if (wanted === 'docker') throw new InfrastructureError(`no Docker engine: ${state.why}`);
  return { engine: 'process', why: `no Docker engine: ${state.why}` };
}

/** Loaded only when somebody asks: the client of the engine takes a third of a second to load. */
async function askDocker(): Promise<EngineState> {
  const { engineState } = await import('./docker/connect.ts');
  return engineState();
}
