import { engineState } from './connect.ts';
import { reap } from './reaper.ts';

/** Removes every container, network and volume of every lab of this engine; in words what that was. */
export async function reapContainers(): Promise<string> {
  const state = await engineState();
  if (!state.answers) return `no container looked for (${state.why})`;
  const { containers, networks, volumes } = await reap({ all: true });
  return `${containers} containers, ${networks} networks, ${volumes} volumes`;
}
