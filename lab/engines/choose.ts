import { detectEngine } from './detect.ts';
import type { Engine } from './engine.ts';

/** The engine itself, loaded when it was chosen, and why it was. */
export async function chooseEngine(wanted: string | undefined): Promise<{ engine: Engine; why: string }> {
  const { engine, why } = await detectEngine(wanted);
  if (engine === 'docker') return { engine: (await import('./docker/engine.ts')).dockerEngine, why };
  return { engine: (await import('./process/engine.ts')).processEngine, why };
}
